// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Socket calls as the steps need them: plain functions that return a result or
// -errno, fit to be called in an actor. Knows nothing of steps or expectations.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace scenario {

/// An address that can be copied byte by byte.
struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;

    [[nodiscard]] const sockaddr* get() const
    {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
    [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    [[nodiscard]] int family() const { return storage.ss_family; }
    [[nodiscard]] std::uint16_t port() const; ///< host order
    [[nodiscard]] std::string text() const;   ///< IPv4-mapped addresses as IPv4
    [[nodiscard]] Address with_port(std::uint16_t port) const;
};

Address ipv4_loopback(std::uint16_t port = 0);
Address ipv6_loopback(std::uint16_t port = 0);
Address ipv6_any(std::uint16_t port = 0);
/// ::ffff:127.0.0.1
Address mapped_loopback(std::uint16_t port = 0);

/// What identifies a socket, asked of the kernel.
struct SocketFacts {
    std::uint64_t cookie = 0;
    std::uint64_t netns = 0; ///< inode number of the network namespace
    Address local;
    Address remote; ///< size 0 where there is no peer
};

/// getsockname(), getpeername(), SO_COOKIE and the caller's network namespace.
SocketFacts facts_of(int fd);
std::uint64_t current_netns();

int open_tcp(int family, int flags = 0);
/// A listening socket; `option` is a SOL_SOCKET flag to set before bind, or 0.
int listen_on(const Address& address, int backlog = 16, int option = 0);
int connect_fd(int fd, const Address& address);
/// A connected socket, bound to `local` first unless that is empty.
int connect_to(const Address& address, const Address& local = {});
/// A socket with a connect() under way that cannot have finished.
int start_connect(const Address& address);
int accept_one(int listener);
/// accept() until there is nothing left; the last descriptor or -EAGAIN.
int accept_waiting(int listener);

int close_fd(int fd);
int shutdown_fd(int fd, int how);
int send_text(int fd);
/// Reads until the peer's FIN or an error.
int read_to_end(int fd);
int set_option(int fd, int level, int name, int value);
/// SO_LINGER with time 0: close() sends a reset.
int reset_on_close(int fd);
/// Drops every segment for the socket before TCP sees it; a cut cable.
int make_deaf(int fd);
int make_hear(int fd);
int disconnect(int fd);

/// Waits up to 10 s until TCP_INFO says `state` (TCP_ESTABLISHED …); 0 or -ETIMEDOUT.
int wait_state(int fd, int state);
/// Waits until a connection stands in the accept queue.
int wait_readable(int fd);
int sleep_ms(int milliseconds);

int bring_loopback_up();
/// Writes a sysctl of the caller's network namespace; 0 or -errno.
int write_sysctl(const char* path, const char* value);

} // namespace scenario
