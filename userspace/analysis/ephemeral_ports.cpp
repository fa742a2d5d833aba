// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "analysis/ephemeral_ports.hpp"

#include <charconv>

namespace tcpledger {
namespace {

std::optional<std::uint16_t> parse_port(std::string_view text)
{
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    return error == std::errc() && stop == end ? std::optional(port) : std::nullopt;
}

/// Both halves of "LOW<separator>HIGH".
std::optional<std::pair<std::uint16_t, std::uint16_t>> parse_pair(std::string_view text,
                                                                  std::string_view separators)
{
    const std::size_t first_end = text.find_first_of(separators);
    const std::size_t second = text.find_first_not_of(separators, first_end);
    if (first_end == std::string_view::npos || second == std::string_view::npos) {
        return std::nullopt;
    }
    const auto low = parse_port(text.substr(0, first_end));
    const auto high = parse_port(text.substr(second));
    return low && high && *low <= *high ? std::optional(std::pair(*low, *high)) : std::nullopt;
}

} // namespace

std::optional<EphemeralPorts> EphemeralPorts::parse(std::string_view range,
                                                    std::string_view reserved)
{
    const auto bounds = parse_pair(range, " \t");
    if (!bounds) {
        return std::nullopt;
    }
    EphemeralPorts ports(bounds->first, bounds->second);
    while (!reserved.empty()) {
        const std::size_t length = reserved.find(',');
        const std::string_view item = reserved.substr(0, length);
        reserved.remove_prefix(length == std::string_view::npos ? reserved.size() : length + 1);
        const auto one = parse_port(item);
        const auto several = one ? std::optional(std::pair(*one, *one)) : parse_pair(item, "-");
        for (std::uint32_t port = several ? several->first : 1U; several && port <= several->second;
             ++port) {
            ports.reserved_[port] = true;
        }
    }
    for (std::uint32_t port = ports.low_; port <= ports.high_; ++port) {
        ports.reserved_[port] ? ++ports.reserved_count_ : ++ports.size_;
    }
    return ports;
}

bool EphemeralPorts::contains(std::uint16_t port) const noexcept
{
    return port >= low_ && port <= high_ && !reserved_[port];
}

} // namespace tcpledger
