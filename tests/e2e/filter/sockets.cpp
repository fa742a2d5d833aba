// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sockets.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace tcpledger::test {
namespace {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;
    [[nodiscard]] const sockaddr* get() const
    {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
};

/// `text` with a ':' is IPv6.
SocketAddress socket_address(const std::string& text, std::uint16_t port)
{
    SocketAddress address;
    if (text.find(':') != std::string::npos) {
        auto* ipv6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
        ipv6->sin6_family = AF_INET6;
        ipv6->sin6_port = htons(port);
        ::inet_pton(AF_INET6, text.c_str(), &ipv6->sin6_addr);
        address.length = sizeof(*ipv6);
    } else {
        auto* ipv4 = reinterpret_cast<sockaddr_in*>(&address.storage);
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = htons(port);
        ::inet_pton(AF_INET, text.c_str(), &ipv4->sin_addr);
        address.length = sizeof(*ipv4);
    }
    return address;
}

template <typename Value> void set_option(int fd, int level, int option, Value value)
{
    ::setsockopt(fd, level, option, &value, sizeof(value));
}

void settle()
{
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

} // namespace

int SocketPopulation::keep(int fd, const char* what)
{
    if (fd < 0 && failure_.empty()) {
        failure_ = std::string(what) + ": " + std::strerror(errno);
    }
    fds_.emplace_back(fd);
    return fd;
}

void SocketPopulation::close_now(int fd)
{
    const auto found = std::ranges::find(fds_, fd, &UniqueFd::get);
    if (found != fds_.end()) {
        fds_.erase(found);
    }
}

bool SocketPopulation::shell(const std::string& command)
{
    // NOLINTNEXTLINE(cert-env33-c): the callers' commands are fixed
    const bool good = std::system(command.c_str()) == 0;
    if (!good && failure_.empty()) {
        failure_ = "failed: " + command;
    }
    return good;
}

int SocketPopulation::listen_on(const std::string& address, std::uint16_t port, int backlog)
{
    const SocketAddress name = socket_address(address, port);
    const int fd = keep(::socket(name.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (name.storage.ss_family == AF_INET6) {
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, int{address != "::"});
    }
    if (::bind(fd, name.get(), name.length) != 0 || ::listen(fd, backlog) != 0) {
        keep(-1, "listen");
    }
    return fd;
}

int SocketPopulation::start_connect(const std::string& address, std::uint16_t port,
                                    const ConnectOptions& options, bool blocking)
{
    const SocketAddress to =
        socket_address(options.ipv6_socket ? "::ffff:" + address : address, port);
    const int type = SOCK_STREAM | SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK);
    const int fd = keep(::socket(to.storage.ss_family, type, 0), "socket");
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (options.mark != 0) {
        set_option(fd, SOL_SOCKET, SO_MARK, options.mark);
    }
    if (options.from) {
        const SocketAddress from = socket_address(*options.from, options.from_port);
        if (::bind(fd, from.get(), from.length) != 0) {
            keep(-1, "bind");
        }
    }
    if (::connect(fd, to.get(), to.length) != 0 && errno != EINPROGRESS) {
        keep(-1, "connect");
    }
    return fd;
}

SocketPopulation::Pair SocketPopulation::connect_to(int listener, const std::string& address,
                                                    std::uint16_t port,
                                                    const ConnectOptions& options)
{
    Pair pair;
    pair.client = start_connect(address, port, options);
    pair.server = keep(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), "accept");
    return pair;
}

void SocketPopulation::make_tcp()
{
    const int web = listen_on("0.0.0.0", 80);
    const int dual = listen_on("::", 443);
    const int ipv6 = listen_on("2001:db8::1", 8443);
    listen_on("127.0.0.1", 40123);
    const int marked = listen_on("127.0.0.1", 8082);
    set_option(marked, SOL_SOCKET, SO_MARK, 5U);
    ::setsockopt(marked, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);

    connect_to(web, "10.1.2.3", 80);
    connect_to(web, "10.1.2.3", 80, {.from = "10.1.2.4", .from_port = 1024});
    connect_to(web, "127.0.0.1", 80, {.from = "127.0.0.1", .from_port = 45000});
    connect_to(web, "127.0.0.1", 80, {.mark = 0x11});
    connect_to(web, "127.0.0.1", 80, {.mark = 0x10});
    connect_to(web, "10.1.2.3", 80, {.ipv6_socket = true});
    connect_to(dual, "192.168.7.1", 443);
    connect_to(dual, "::1", 443);
    connect_to(ipv6, "2001:db8::1", 8443, {.from = "2001:db8:1::9"});
    connect_to(marked, "127.0.0.1", 8082);

    const int bound = keep(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    const SocketAddress name = socket_address("127.0.0.1", 7000);
    if (::bind(bound, name.get(), name.length) != 0) {
        keep(-1, "bind");
    }

    for (const char* host : {"10.1.2.3", "::1"}) {
        const int listener = std::string(host) == "::1" ? dual : web;
        const std::uint16_t port = listener == dual ? 443 : 80;
        const Pair half_closed = connect_to(listener, host, port);
        ::shutdown(half_closed.server, SHUT_WR); // FIN_WAIT2 and CLOSE_WAIT
        const Pair finished = connect_to(listener, host, port);
        close_now(finished.client); // TIME_WAIT
        settle();
        close_now(finished.server);
        const Pair orphaned = connect_to(listener, host, port);
        close_now(orphaned.client); // a FIN_WAIT2 that nobody holds
    }
    make_unfinished_handshakes();
    make_closing(web);
}

void SocketPopulation::make_unfinished_handshakes()
{
    static_cast<void>(listen_on("127.0.0.1", 9001, 0)); // fds_ keeps it
    for (int i = 0; i < 3; ++i) { // one gets in, the SYNs of the others are dropped
        start_connect("127.0.0.1", 9001, {}, false);
    }
    const int deferring = listen_on("127.0.0.1", 9002);
    set_option(deferring, IPPROTO_TCP, TCP_DEFER_ACCEPT, 120); // SYN_RECV until data comes
    start_connect("127.0.0.1", 9002, {}, false);
    settle();
}

/// FIN_WAIT1 and LAST_ACK: their FINs are sent while lo is down.
void SocketPopulation::make_closing(int listener)
{
    const Pair last_ack = connect_to(listener, "10.1.2.3", 80);
    const Pair fin_wait_1 = connect_to(listener, "10.1.2.3", 80);
    ::shutdown(last_ack.client, SHUT_WR);
    settle();
    shell("ip link set lo down");
    ::shutdown(last_ack.server, SHUT_WR);
    ::shutdown(fin_wait_1.client, SHUT_WR);
}

void SocketPopulation::make_udp()
{
    struct Wanted {
        const char* from;
        std::uint16_t from_port;
        const char* to;
    };
    for (const Wanted& wanted :
         {Wanted{"0.0.0.0", 5353, nullptr}, Wanted{"::", 123, nullptr},
          Wanted{"127.0.0.1", 0, "127.0.0.1"}, Wanted{"10.1.2.3", 500, "10.1.2.4"},
          Wanted{"::ffff:10.1.2.3", 0, "::ffff:10.1.2.4"}, Wanted{"::1", 0, "::1"}}) {
        const SocketAddress from = socket_address(wanted.from, wanted.from_port);
        const int fd =
            keep(::socket(from.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
        if (::bind(fd, from.get(), from.length) != 0) {
            keep(-1, "bind of UDP");
        }
        if (wanted.to != nullptr) {
            const SocketAddress to = socket_address(wanted.to, 53);
            if (::connect(fd, to.get(), to.length) != 0) {
                keep(-1, "connect of UDP");
            }
        }
    }
}

bool SocketPopulation::make()
{
    if (::unshare(CLONE_NEWNET) != 0) {
        return false;
    }
    shell("ip link set lo up");
    for (const char* address :
         {"10.1.2.3/32", "10.1.2.4/32", "192.168.7.1/32", "2001:db8::1/128", "2001:db8:1::9/128"}) {
        shell(std::string("ip addr add ") + address + " dev lo");
    }
    make_udp();
    make_tcp();
    return true;
}

} // namespace tcpledger::test
