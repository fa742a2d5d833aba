// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "loopback.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>
#include <string>

namespace tcpledger::bench {
namespace {

const sockaddr* generic(const sockaddr_in& address)
{
    return reinterpret_cast<const sockaddr*>(&address);
}

} // namespace

sockaddr_in loopback(std::uint32_t host, std::uint16_t port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl((127U << 24U) | (host & 0x00ffffffU));
    return address;
}

Expected<UniqueFd> listen_on(const sockaddr_in& address)
{
    UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    if (!listener.valid() ||
        ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        ::bind(listener.get(), generic(address), sizeof address) != 0 ||
        ::listen(listener.get(), SOMAXCONN) != 0) {
        return tl::unexpected(Error::from_errno("cannot listen on loopback"));
    }
    return listener;
}

Expected<UniqueFd> connect_to(const sockaddr_in& address)
{
    UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!client.valid() || ::connect(client.get(), generic(address), sizeof address) != 0) {
        return tl::unexpected(Error::from_errno("cannot connect over loopback"));
    }
    return client;
}

Expected<unsigned> parse_count(const char* text, unsigned max)
{
    unsigned value = 0;
    const char* end = text + std::strlen(text);
    const auto [rest, error] = std::from_chars(text, end, value);
    if (error != std::errc{} || rest != end || value == 0 || value > max) {
        return tl::unexpected(Error{ErrorKind::kUsage,
                                    0,
                                    "not a number from 1 to " + std::to_string(max) + ": " + text,
                                    {}});
    }
    return value;
}

} // namespace tcpledger::bench
