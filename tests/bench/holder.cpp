// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// holder SOCKETS INDEX: holds SOCKETS established loopback sockets (both ends of
// SOCKETS / 2 connections), prints "ready" and sleeps until its standard input
// ends. INDEX (1 …) gives each holder addresses of its own. Knows nothing of tracing.
#include "loopback.hpp"

#include <sys/socket.h>

#include <cstdio>
#include <vector>

namespace tcpledger::bench {
namespace {

constexpr std::uint16_t kPort = 6666;
constexpr unsigned kMaxSockets = 1'000'000;

Expected<std::vector<UniqueFd>> open_sockets(unsigned sockets, unsigned index)
{
    const sockaddr_in address = loopback((index << 8U) | 1U, kPort);
    auto listener = listen_on(address);
    if (!listener) {
        return tl::unexpected(listener.error());
    }
    std::vector<UniqueFd> held;
    held.reserve(sockets + 2);
    while (held.size() < sockets) {
        auto client = connect_to(address);
        if (!client) {
            return tl::unexpected(client.error());
        }
        UniqueFd server(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!server.valid()) {
            return tl::unexpected(Error::from_errno("cannot accept"));
        }
        held.push_back(std::move(*client));
        held.push_back(std::move(server));
    }
    held.push_back(std::move(*listener));
    return held;
}

} // namespace
} // namespace tcpledger::bench

int main(int argc, char** argv)
{
    using namespace tcpledger::bench;
    if (argc != 3) {
        std::fputs("usage: holder SOCKETS INDEX\n", stderr);
        return 2;
    }
    const auto sockets = parse_count(argv[1], kMaxSockets);
    const auto index = parse_count(argv[2], 65535);
    if (!sockets || !index) {
        std::fprintf(stderr, "holder: %s\n", (sockets ? index : sockets).error().message().c_str());
        return 2;
    }
    const auto held = open_sockets(*sockets, *index);
    if (!held) {
        std::fprintf(stderr, "holder: %s\n", held.error().message().c_str());
        return 1;
    }
    std::puts("ready");
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
    return 0;
}
