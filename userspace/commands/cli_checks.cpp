// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/cli_checks.hpp"

#include "commands/duration.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>

namespace tcpledger {
namespace {

/// The decimal number that is the whole of `text`.
std::optional<std::uint64_t> parse_natural(const std::string& text)
{
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole ? std::optional(number) : std::nullopt;
}

} // namespace

std::string check_port(const std::string& text)
{
    const std::uint64_t port = parse_natural(text).value_or(0);
    return port >= 1 && port <= 65535 ? "" : "no port \"" + text + "\"; 1 to 65535";
}

std::string check_natural(const std::string& text)
{
    return parse_natural(text) ? "" : "no number \"" + text + "\"; 0 or more";
}

std::string check_positive(const std::string& text)
{
    return parse_natural(text).value_or(0) > 0 ? "" : "no number \"" + text + "\"; 1 or more";
}

CLI::Validator validator(std::string (*check)(const std::string&), const char* name)
{
    return {[check](std::string& text) { return check(text); }, name};
}

CLI::Validator as_seconds()
{
    return {[](std::string& text) {
                const auto seconds = parse_seconds(text);
                if (!seconds || *seconds < 0.1 || *seconds > 86400.0 * 30) {
                    return "no duration \"" + text + "\"; 100ms, 60s, 10m, 1.5h and the like";
                }
                text = fmt::format("{}", *seconds);
                return std::string();
            },
            "DURATION"};
}

} // namespace tcpledger
