// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A fixed population of real sockets in a network namespace of its own: TCP in every state
// that can be held still (CLOSING cannot), IPv4, IPv6 and mapped, marked, bound to a device,
// bound by hand and by the kernel; UDP. The namespace is the calling thread's and goes with it.
#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tcpledger::test {

struct ConnectOptions {
    std::optional<std::string> from = std::nullopt; ///< nothing: the kernel chooses
    std::uint16_t from_port = 0;                    ///< 0: the kernel chooses
    std::uint32_t mark = 0;
    bool ipv6_socket = false; ///< for an IPv4 address: a mapped one
};

class SocketPopulation {
public:
    /// False where a namespace cannot be made (not root). Call once, from a single thread: that
    /// thread and the processes it starts are in the new namespace from then on.
    [[nodiscard]] bool make();

    /// What went wrong in make(), empty when all sockets are as they should be.
    [[nodiscard]] const std::string& failure() const { return failure_; }

private:
    struct Pair {
        int client = -1; ///< owned by fds_
        int server = -1;
    };

    int keep(int fd, const char* what);
    int listen_on(const std::string& address, std::uint16_t port, int backlog = 16);
    int start_connect(const std::string& address, std::uint16_t port, const ConnectOptions& options,
                      bool blocking = true);
    Pair connect_to(int listener, const std::string& address, std::uint16_t port,
                    const ConnectOptions& options = {});
    void close_now(int fd);
    void make_tcp();
    void make_unfinished_handshakes();
    void make_closing(int listener);
    void make_udp();
    bool shell(const std::string& command);

    std::vector<UniqueFd> fds_;
    std::string failure_;
};

} // namespace tcpledger::test
