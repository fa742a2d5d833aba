// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/endpoint.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace tcpledger {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

} // namespace

bool IpAddress::is_ipv4() const noexcept
{
    return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin());
}

bool IpAddress::is_wildcard() const noexcept
{
    const auto begin = bytes.begin() + (is_ipv4() ? kMappedPrefix.size() : 0);
    return std::all_of(begin, bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_loopback() const noexcept
{
    if (is_ipv4()) {
        return bytes[12] == 127;
    }
    return bytes.back() == 1 &&
           std::all_of(bytes.begin(), bytes.end() - 1, [](std::uint8_t byte) { return byte == 0; });
}

std::string IpAddress::text() const
{
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    if (is_ipv4()) {
        ::inet_ntop(AF_INET, bytes.data() + kMappedPrefix.size(), buffer.data(), buffer.size());
    } else {
        ::inet_ntop(AF_INET6, bytes.data(), buffer.data(), buffer.size());
    }
    return buffer.data();
}

std::string Endpoint::text() const
{
    const std::string host = address.is_ipv4() ? address.text() : "[" + address.text() + "]";
    return host + ":" + std::to_string(port);
}

} // namespace tcpledger
