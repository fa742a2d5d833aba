// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "net.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace scenario {

namespace {

int or_errno(int result)
{
    return result < 0 ? -errno : result;
}

int close_failed(int fd)
{
    const int error = errno;
    close(fd);
    return -error;
}

constexpr int kPatienceMs = 10'000;

} // namespace

std::uint16_t Address::port() const
{
    if (family() == AF_INET6) {
        return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
    }
    return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

std::string Address::text() const
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (family() == AF_INET6) {
        const auto* in6 = reinterpret_cast<const sockaddr_in6*>(&storage);
        const bool mapped = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
        const std::uint8_t* bytes = in6->sin6_addr.s6_addr;
        inet_ntop(mapped ? AF_INET : AF_INET6, mapped ? bytes + 12 : bytes, text.data(),
                  text.size());
    } else {
        inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr, text.data(),
                  text.size());
    }
    return text.data();
}

Address Address::with_port(std::uint16_t port) const
{
    Address copy = *this;
    if (family() == AF_INET6) {
        reinterpret_cast<sockaddr_in6*>(&copy.storage)->sin6_port = htons(port);
    } else {
        reinterpret_cast<sockaddr_in*>(&copy.storage)->sin_port = htons(port);
    }
    return copy;
}

Address ipv4_loopback(std::uint16_t port)
{
    Address address;
    auto* in = reinterpret_cast<sockaddr_in*>(&address.storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.size = sizeof(*in);
    return address;
}

Address ipv6_any(std::uint16_t port)
{
    Address address;
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    address.size = sizeof(*in6);
    return address;
}

Address ipv6_loopback(std::uint16_t port)
{
    Address address = ipv6_any(port);
    reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_addr = in6addr_loopback;
    return address;
}

Address mapped_loopback(std::uint16_t port)
{
    Address address = ipv6_any(port);
    inet_pton(AF_INET6, "::ffff:127.0.0.1",
              &reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_addr);
    return address;
}

std::uint64_t current_netns()
{
    struct stat status{};
    return stat("/proc/thread-self/ns/net", &status) == 0 ? status.st_ino : 0;
}

SocketFacts facts_of(int fd)
{
    SocketFacts facts;
    facts.netns = current_netns();
    facts.local.size = sizeof(facts.local.storage);
    getsockname(fd, facts.local.get(), &facts.local.size);
    facts.remote.size = sizeof(facts.remote.storage);
    if (getpeername(fd, facts.remote.get(), &facts.remote.size) < 0) {
        facts.remote.size = 0;
    }
    socklen_t size = sizeof(facts.cookie);
    getsockopt(fd, SOL_SOCKET, SO_COOKIE, &facts.cookie, &size);
    return facts;
}

int open_tcp(int family, int flags)
{
    return or_errno(socket(family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
}

int listen_on(const Address& address, int backlog, int option)
{
    const int fd = open_tcp(address.family());
    if (fd < 0) {
        return fd;
    }
    const int on = 1;
    if (option != 0 && setsockopt(fd, SOL_SOCKET, option, &on, sizeof(on)) < 0) {
        return close_failed(fd);
    }
    if (bind(fd, address.get(), address.size) < 0 || listen(fd, backlog) < 0) {
        return close_failed(fd);
    }
    return fd;
}

int connect_fd(int fd, const Address& address)
{
    return or_errno(connect(fd, address.get(), address.size));
}

int connect_to(const Address& address, const Address& local)
{
    const int fd = open_tcp(address.family());
    if (fd < 0) {
        return fd;
    }
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (local.size != 0 && bind(fd, local.get(), local.size) < 0) {
        return close_failed(fd);
    }
    return connect(fd, address.get(), address.size) < 0 ? close_failed(fd) : fd;
}

int start_connect(const Address& address)
{
    const int fd = open_tcp(address.family(), SOCK_NONBLOCK);
    if (fd >= 0 && connect(fd, address.get(), address.size) < 0 && errno != EINPROGRESS) {
        return close_failed(fd);
    }
    return fd;
}

int accept_one(int listener)
{
    return or_errno(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
}

int accept_waiting(int listener)
{
    pollfd waiting{listener, POLLIN, 0};
    return poll(&waiting, 1, 0) == 1 ? accept_one(listener) : -EAGAIN;
}

int close_fd(int fd)
{
    return or_errno(close(fd));
}

int shutdown_fd(int fd, int how)
{
    return or_errno(shutdown(fd, how));
}

int send_text(int fd)
{
    return or_errno(static_cast<int>(send(fd, "scenario", 8, MSG_NOSIGNAL)));
}

int read_to_end(int fd)
{
    std::array<char, 256> buffer{};
    ssize_t count = 0;
    do {
        if (const int ready = wait_readable(fd); ready < 0) {
            return ready;
        }
        count = recv(fd, buffer.data(), buffer.size(), 0);
    } while (count > 0);
    return or_errno(static_cast<int>(count));
}

int set_option(int fd, int level, int name, int value)
{
    return or_errno(setsockopt(fd, level, name, &value, sizeof(value)));
}

int reset_on_close(int fd)
{
    const linger none{1, 0};
    return or_errno(setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none)));
}

int make_deaf(int fd)
{
    sock_filter drop{BPF_RET | BPF_K, 0, 0, 0};
    const sock_fprog program{1, &drop};
    return or_errno(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
}

int make_hear(int fd)
{
    return set_option(fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
}

int disconnect(int fd)
{
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    return or_errno(connect(fd, &nobody, sizeof(nobody)));
}

int wait_state(int fd, int state)
{
    for (int waited = 0; waited < kPatienceMs; ++waited) {
        tcp_info info{};
        socklen_t size = sizeof(info);
        if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0) {
            return -errno;
        }
        if (info.tcpi_state == state) {
            return 0;
        }
        sleep_ms(1);
    }
    return -ETIMEDOUT;
}

int wait_readable(int fd)
{
    pollfd waiting{fd, POLLIN, 0};
    const int ready = poll(&waiting, 1, kPatienceMs);
    return ready == 0 ? -ETIMEDOUT : or_errno(ready);
}

int sleep_ms(int milliseconds)
{
    return or_errno(poll(nullptr, 0, milliseconds));
}

int bring_loopback_up()
{
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    const int result = or_errno(ioctl(fd, SIOCSIFFLAGS, &request));
    close(fd);
    return result;
}

int write_sysctl(const char* path, const char* value)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    const int result = or_errno(static_cast<int>(write(fd, value, std::strlen(value))));
    close(fd);
    return result < 0 ? result : 0;
}

} // namespace scenario
