// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Text and port ↔ sockaddr, and the facts of a socket that every reply carries.
#pragma once

#include "json_line.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <optional>
#include <string>

namespace workload {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;

    [[nodiscard]] const sockaddr* get() const
    {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
    [[nodiscard]] int family() const { return storage.ss_family; }
};

/// "127.0.0.1", "::1" or "::ffff:127.0.0.1" (which makes an AF_INET6 socket).
[[nodiscard]] inline std::optional<SocketAddress> make_address(const std::string& text, int port)
{
    SocketAddress address;
    sockaddr_in in{};
    sockaddr_in6 in6{};
    if (::inet_pton(AF_INET, text.c_str(), &in.sin_addr) == 1) {
        in.sin_family = AF_INET;
        in.sin_port = htons(static_cast<std::uint16_t>(port));
        std::memcpy(&address.storage, &in, sizeof(in));
        address.length = sizeof(in);
        return address;
    }
    if (::inet_pton(AF_INET6, text.c_str(), &in6.sin6_addr) == 1) {
        in6.sin6_family = AF_INET6;
        in6.sin6_port = htons(static_cast<std::uint16_t>(port));
        std::memcpy(&address.storage, &in6, sizeof(in6));
        address.length = sizeof(in6);
        return address;
    }
    return std::nullopt;
}

/// The port in host order; -1 when `ask` (getsockname, getpeername) fails.
[[nodiscard]] inline int port_of(int fd, int (*ask)(int, sockaddr*, socklen_t*))
{
    sockaddr_storage storage{};
    socklen_t length = sizeof(storage);
    if (ask(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
        return -1;
    }
    sockaddr_in in{};
    std::memcpy(&in, &storage, sizeof(in)); // sin_port and sin6_port lie at the same place
    return ntohs(in.sin_port);
}

/// The kernel's lasting identity; asking settles it, which `cookie=0` avoids.
[[nodiscard]] inline std::int64_t cookie_of(int fd)
{
    std::uint64_t cookie = 0;
    socklen_t length = sizeof(cookie);
    ::getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length);
    return static_cast<std::int64_t>(cookie);
}

} // namespace workload
