// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the fields of the kernel's records are in the ledger's terms. Internal to ledger/.
#pragma once

#include "ledger/connection.hpp"

#include "shared/events.h"

#include <sys/socket.h>

#include <cstring>
#include <optional>

namespace tcpledger {

inline FourTuple tuple_of(const tl_transition& event)
{
    if (event.family == AF_INET6) {
        return {event.netns_inum,
                {IpAddress::from_bytes(event.addresses.ipv6.local), event.local_port},
                {IpAddress::from_bytes(event.addresses.ipv6.remote), event.remote_port}};
    }
    return {event.netns_inum,
            {IpAddress::from_ipv4_be(event.addresses.ipv4.local), event.local_port},
            {IpAddress::from_ipv4_be(event.addresses.ipv4.remote), event.remote_port}};
}

inline MonotonicTime time_of(const tl_record_header& header)
{
    return MonotonicTime(static_cast<std::int64_t>(header.time_ns));
}

inline ProcessFacts facts_of(const tl_process& process)
{
    constexpr std::uint64_t kNsPerStartTick = 1'000'000'000 / kStartTicksPerSecond;
    return {{process.tgid, process.start_ns / kNsPerStartTick},
            process.cgroup_id,
            process.uid,
            {process.comm, ::strnlen(process.comm, sizeof(process.comm))}};
}

/// Nothing where bindings were not asked for.
inline void follow_binding(Connection& connection, const tl_transition& event)
{
    if (event.port_origin == TL_PORT_CHOSEN || event.port_origin == TL_PORT_GIVEN) {
        connection.mark = event.binding.mark;
        connection.interface_index = event.binding.interface_index;
        connection.port_origin = static_cast<PortOrigin>(event.port_origin);
    }
}

/// The time a connection has spent in `state`; empty where its entry was not seen.
inline std::optional<MonotonicTime> time_in(const Connection& connection, TcpState state,
                                            MonotonicTime now)
{
    const bool entry_seen = connection.last_event != MonotonicTime{} &&
                            !connection.age_is_lower_bound && connection.state == state;
    return entry_seen ? std::optional(now - connection.entered) : std::nullopt;
}

} // namespace tcpledger
