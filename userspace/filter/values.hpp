// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads the values of a filter: numbers, ports, durations, marks, hosts. A failure is the
// text of what was expected; where that was is the parser's knowledge.
#pragma once

#include "filter/names.hpp"
#include "filter/predicate.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace tcpledger::filter {

template <typename T> using ParsedValue = tl::expected<T, std::string>;

/// Decimal, or hexadecimal after 0x, at most `maximum`. A leading zero is refused: ss would
/// read octal, people do not.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text,
                                                        std::uint64_t maximum) noexcept;

template <typename Number>
[[nodiscard]] std::optional<Number> parse_number(std::string_view text) noexcept
{
    const auto number = parse_number(text, std::numeric_limits<Number>::max());
    return number ? std::optional(static_cast<Number>(*number)) : std::nullopt;
}

/// "500ms", "60s", "5m", "2h", "7d", "1h30m"; a bare number is seconds.
[[nodiscard]] ParsedValue<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// A port as sport and dport take it: "80", ":80", "http", ":http", "*" or "" for any, each
/// with "inet:" or "inet6:" before it. Only `port` and `socket_family` are set.
[[nodiscard]] ParsedValue<HostTest> parse_port(std::string_view text, const Names& names);

/// [FAMILY:]ADDRESS[/LENGTH][:PORT], as src and dst take it; see ss(8), "HOST SYNTAX".
/// As in ss, "127/8" is 127.0.0.0/8, "*", "any", "all", "default" and "" are any address, a
/// network mask may stand for the length, an IPv6 address needs no brackets where it is clear.
[[nodiscard]] ParsedValue<HostTest> parse_host(std::string_view text, const Names& names);

/// VALUE or VALUE/MASK.
[[nodiscard]] ParsedValue<MarkTest> parse_mark(std::string_view text);

} // namespace tcpledger::filter
