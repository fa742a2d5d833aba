// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One connection as the books keep it. Passive data; Books holds the invariants.
#pragma once

#include "base/binding.hpp"
#include "base/endpoint.hpp"
#include "base/tcp_state.hpp"
#include "ledger/how.hpp"
#include "ledger/process_table.hpp"

#include <chrono>
#include <cstdint>
#include <limits>

namespace tcpledger {

/// A point in time: nanoseconds of CLOCK_MONOTONIC.
using MonotonicTime = std::chrono::nanoseconds;

using ConnectionId = std::uint32_t;
inline constexpr ConnectionId kNoConnection = std::numeric_limits<ConnectionId>::max();

/// What the kernel keeps of it, which decides how it is found again.
enum class SocketKind : std::uint8_t {
    kFull,   ///< a struct sock with a cookie
    kEmbryo, ///< a clone between LISTEN → SYN_RECV and its next event: known by sock address
    kMini,   ///< TIME_WAIT, orphaned FIN_WAIT2, half-open SYN_RECV: known by 4-tuple
};

struct Connection {
    FourTuple tuple;
    std::uint64_t cookie = 0;
    std::uint64_t sock = 0;     ///< address of the struct sock; 0 = not known
    MonotonicTime entered{};    ///< into the present state, or first seen in it
    MonotonicTime last_event{}; ///< of the last event applied; 0 = known from a dump only
    MonotonicTime opened{};     ///< its first event; 0 = older than the tracer
    ProcessId owner = kUnknownProcess;
    std::uint32_t inode = 0;           ///< 0 = none or not known
    std::uint32_t sweep = 0;           ///< number of the last sweep that saw it
    std::uint32_t mark = 0;            ///< this and the next two: kept where bindings are asked for
    std::uint32_t interface_index = 0; ///< the device it is bound to; 0: none
    TcpState state = TcpState::kClose;
    std::uint8_t family = 0; ///< AF_INET or AF_INET6, of the socket
    How how : 4 = How::kUnknown;
    SocketKind kind : 2 = SocketKind::kFull;
    PortOrigin port_origin : 2 = PortOrigin::kUnknown;
    std::uint8_t missed_sweeps : 4 = 0; ///< consecutive sweeps that did not list it
    bool age_is_lower_bound : 1 = false;
    bool unaccepted : 1 = false; ///< waits in an accept queue
    bool passive : 1 = false;    ///< came from a listener
    bool in_use : 1 = false;
};
static_assert(sizeof(Connection) == 104);

} // namespace tcpledger
