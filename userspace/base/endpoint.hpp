// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Addresses and the 4-tuple, as every part of the program passes them on.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>

namespace tcpledger {

/// 16 bytes in network order; IPv4 as ::ffff:a.b.c.d, so that one comparison serves both.
struct IpAddress {
    std::array<std::uint8_t, 16> bytes{};

    [[nodiscard]] static IpAddress from_ipv4_be(std::uint32_t address_be) noexcept
    {
        IpAddress address{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};
        std::memcpy(address.bytes.data() + 12, &address_be, sizeof(address_be));
        return address;
    }
    [[nodiscard]] static IpAddress from_bytes(const void* sixteen_bytes) noexcept
    {
        IpAddress address;
        std::memcpy(address.bytes.data(), sixteen_bytes, address.bytes.size());
        return address;
    }

    [[nodiscard]] bool is_ipv4() const noexcept;
    /// 0.0.0.0 or ::
    [[nodiscard]] bool is_wildcard() const noexcept;
    [[nodiscard]] bool is_loopback() const noexcept;
    /// "10.0.0.1" or "fe80::1": RFC 5952 text, without brackets.
    [[nodiscard]] std::string text() const;

    auto operator<=>(const IpAddress&) const = default;
};

struct Endpoint {
    IpAddress address;
    std::uint16_t port = 0; ///< host order

    /// "10.0.0.1:80" or "[fe80::1]:80".
    [[nodiscard]] std::string text() const;
    auto operator<=>(const Endpoint&) const = default;
};

/// A connection's name on its network namespace.
struct FourTuple {
    std::uint32_t netns_inum = 0;
    Endpoint local;
    Endpoint remote;

    /// The same connection as the other side sees it.
    [[nodiscard]] FourTuple mirrored() const noexcept { return {netns_inum, remote, local}; }
    auto operator<=>(const FourTuple&) const = default;
};

} // namespace tcpledger
