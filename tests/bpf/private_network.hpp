// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A network namespace of the test's own, with loopback up, entered by the calling
// thread for as long as the object lives; and sockets to make traffic with.
#pragma once

#include "base/unique_fd.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

namespace tcpledger::test {

class PrivateNetwork {
public:
    PrivateNetwork() : home_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC))
    {
        EXPECT_EQ(0, ::unshare(CLONE_NEWNET)) << std::strerror(errno);
        const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        ifreq request{};
        std::strcpy(request.ifr_name, "lo");
        request.ifr_flags = IFF_UP;
        EXPECT_EQ(0, ::ioctl(socket.get(), SIOCSIFFLAGS, &request));
        struct stat status{};
        EXPECT_EQ(0, ::stat("/proc/thread-self/ns/net", &status));
        inum_ = static_cast<std::uint32_t>(status.st_ino);
    }
    PrivateNetwork(const PrivateNetwork&) = delete;
    PrivateNetwork& operator=(const PrivateNetwork&) = delete;
    ~PrivateNetwork() { EXPECT_EQ(0, ::setns(home_.get(), CLONE_NEWNET)); }

    [[nodiscard]] std::uint32_t inum() const { return inum_; }

    /// Waits, two seconds at most, until no socket is on its way out: the softirq that
    /// finishes a close may run later, in ksoftirqd.
    void wait_until_quiet() const
    {
        for (int i = 0; i < 400 && (is_closing("tcp") || is_closing("tcp6")); ++i) {
            ::usleep(5'000);
        }
    }

private:
    static bool is_closing(const std::string& table)
    {
        std::ifstream in("/proc/thread-self/net/" + table);
        std::string line;
        std::getline(in, line);
        while (std::getline(in, line)) {
            std::istringstream words(line);
            std::string number, local, remote, state;
            words >> number >> local >> remote >> state;
            if (state == "04" || state == "09" || state == "0B") { // FIN_WAIT1 LAST_ACK CLOSING
                return true;
            }
        }
        return false;
    }

    UniqueFd home_;
    std::uint32_t inum_ = 0;
};

struct BoundSocket {
    UniqueFd fd;
    sockaddr_in6 address{};
    socklen_t length = sizeof(sockaddr_in6);

    [[nodiscard]] std::uint16_t port() const
    {
        return ntohs(address.sin6_port); // at the same place in sockaddr_in
    }
    [[nodiscard]] std::uint64_t cookie() const
    {
        std::uint64_t value = 0;
        socklen_t size = sizeof(value);
        EXPECT_EQ(0, ::getsockopt(fd.get(), SOL_SOCKET, SO_COOKIE, &value, &size));
        return value;
    }
};

inline void learn_name(BoundSocket& socket)
{
    socket.length = sizeof(socket.address);
    EXPECT_EQ(0, ::getsockname(socket.fd.get(), reinterpret_cast<sockaddr*>(&socket.address),
                               &socket.length));
}

/// Listens on the loopback address of `family`, on a port the kernel chooses.
inline BoundSocket listen_on_loopback(int family)
{
    BoundSocket socket{UniqueFd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0))};
    if (family == AF_INET) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        std::memcpy(&socket.address, &address, sizeof(address));
        socket.length = sizeof(address);
    } else {
        socket.address.sin6_family = AF_INET6;
        socket.address.sin6_addr = in6addr_loopback;
    }
    EXPECT_EQ(0,
              ::bind(socket.fd.get(), reinterpret_cast<sockaddr*>(&socket.address), socket.length));
    EXPECT_EQ(0, ::listen(socket.fd.get(), 16));
    learn_name(socket);
    return socket;
}

inline BoundSocket connect_to(const BoundSocket& listener)
{
    BoundSocket socket{
        UniqueFd(::socket(listener.address.sin6_family, SOCK_STREAM | SOCK_CLOEXEC, 0))};
    EXPECT_EQ(0, ::connect(socket.fd.get(), reinterpret_cast<const sockaddr*>(&listener.address),
                           listener.length));
    learn_name(socket);
    return socket;
}

inline BoundSocket accept_from(const BoundSocket& listener)
{
    BoundSocket socket{UniqueFd(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC))};
    EXPECT_TRUE(socket.fd.valid());
    learn_name(socket);
    return socket;
}

/// `first` closes; `second` when it has seen the FIN.
inline void close_in_turn(BoundSocket& first, BoundSocket& second)
{
    first.fd.reset();
    char byte = 0;
    EXPECT_EQ(0, ::read(second.fd.get(), &byte, 1));
    second.fd.reset();
}

} // namespace tcpledger::test
