// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a filter may look at: one socket, whoever listed it (a dump, the ledger, an event).
// Cheap to fill: nothing here owns memory, the views must outlive the call. It knows no
// source, so a caller leaves at its default what its source does not tell.
#pragma once

#include "base/binding.hpp"
#include "base/endpoint.hpp"
#include "base/tcp_state.hpp"

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tcpledger {

/// A user that there is not: nobody knows whose.
inline constexpr std::uint32_t kNoUid = 0xffffffff;

struct ProcessView {
    std::uint32_t pid = 0;
    std::string_view comm; ///< any bytes: processes choose their names
};

struct SocketView {
    FourTuple tuple;
    std::uint8_t family = AF_INET; ///< of the socket: AF_INET6 with a mapped address is possible
    TcpState state = TcpState::kEstablished;
    std::uint32_t inode = 0; ///< 0: none (TIME_WAIT, SYN_RECV)
    std::uint32_t uid = 0;
    std::uint32_t mark = 0;
    std::uint32_t interface_index = 0; ///< the device it is bound to; 0: none
    std::string_view interface_name;   ///< where a filter's names are not of one namespace
    std::uint64_t cookie = 0;
    std::uint64_t cgroup_id = 0; ///< of cgroup v2; 0: unknown
    bool autobound = false;      ///< the local port lies in the namespace's ip_local_port_range
    PortOrigin port_origin = PortOrigin::kUnknown; ///< unknown too where the kernel has decided
    bool unaccepted = false;                       ///< waits in a listener's accept queue

    std::optional<ProcessView> owner;     ///< on whose books it is; nothing: unknown
    std::span<const ProcessView> holders; ///< processes with a descriptor of it
    std::string_view container;           ///< the owner's; empty: none

    std::optional<std::chrono::nanoseconds> age; ///< time in the present state
    bool age_is_lower_bound = false;             ///< the true age is at least `age`
};

} // namespace tcpledger
