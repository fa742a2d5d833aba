// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A second, separate reader of the kernel's TCP sockets, for those who check the books: it
// shares nothing with SockDiag and the parser that feed the ledger, so that a fault there
// shows. One try, no filter, no details.
#pragma once

#include "base/endpoint.hpp"
#include "base/error.hpp"
#include "base/tcp_state.hpp"

#include <cstdint>
#include <vector>

namespace tcpledger {

struct PlainSocket {
    FourTuple tuple;
    std::uint64_t cookie = 0;
    std::uint32_t inode = 0;           ///< 0: no process holds it, or a mini-socket
    std::uint32_t expires_ms = 0;      ///< until its timer fires
    TcpState state = TcpState::kClose; ///< as shown: a request sock is SYN_RECV
};

struct PlainDump {
    std::vector<PlainSocket> sockets;
    bool interrupted = false;   ///< the kernel says that some may be missing
    std::size_t unreadable = 0; ///< messages that were no socket
};

/// All TCP sockets in the eleven states that ss shows, of the namespace behind `netns_fd`, entered
/// in a thread of its own; `netns_inum` is what the tuples will say. IPv4 first, then IPv6.
[[nodiscard]] Expected<PlainDump> dump_plainly(int netns_fd, std::uint32_t netns_inum);

} // namespace tcpledger
