// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/first_look.hpp"

#include "procfs/clock.hpp"

#include <fmt/format.h>

#include <array>

namespace tcpledger {

std::span<const char* const> audited_sysctls() noexcept
{
    static constexpr std::array kNames = {
        "net.core.somaxconn",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_abort_on_overflow",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_max_orphans",
        "net.ipv4.tcp_max_syn_backlog",
        "net.ipv4.tcp_max_tw_buckets",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_timestamps",
        "net.ipv4.tcp_tw_reuse",
    };
    return kNames;
}

SocketMotion motion_of(const SocketRow& row, const SocketDetails& details)
{
    SocketMotion motion;
    motion.recv_queue = row.recv_queue_bytes;
    if (details.has_memory) {
        motion.drops = details.memory.drops_count;
        motion.recv_memory = details.memory.recv_allocated_bytes;
        motion.recv_buffer = details.memory.recv_buffer_bytes;
    }
    if (details.has_info && row.state != TcpState::kListen) {
        const TcpInfo& info = details.info;
        motion.consumed = static_cast<std::int64_t>(info.bytes_received) -
                          static_cast<std::int64_t>(row.recv_queue_bytes);
        motion.since_segment = std::chrono::milliseconds(info.last_ack_recv_ms);
        motion.since_data_came = std::chrono::milliseconds(info.last_data_recv_ms);
        motion.since_data_went = std::chrono::milliseconds(info.last_data_sent_ms);
    }
    return motion;
}

Expected<Motions> look_at_motions(const NetworkNamespace& netns)
{
    Expected<SockDiag> diag =
        SockDiag::open(netns.inum == own_netns_inum() ? -1 : netns.fd.get(), netns.inum);
    if (!diag) {
        return tl::unexpected(diag.error());
    }
    std::vector<SocketRow> rows;
    std::vector<SocketDetails> details;
    const DumpRequest request{.state_mask = kEveryState & ~state_bit(TcpState::kTimeWait) &
                                            ~state_bit(TcpState::kBoundInactive),
                              .details = {.tcp_info = true, .memory = true}};
    const Expected<DumpResult> dumped = diag->dump(request, rows, &details);
    if (!dumped) {
        return tl::unexpected(dumped.error());
    }
    Motions motions;
    motions.reserve(rows.size());
    for (std::size_t at = 0; at < rows.size(); ++at) {
        motions.insert_or_assign(rows[at].cookie, motion_of(rows[at], details[at]));
    }
    return motions;
}

FirstLook take_first_look(std::span<const NetworkNamespace> namespaces)
{
    FirstLook look;
    for (const NetworkNamespace& netns : namespaces) {
        if (Expected<Motions> motions = look_at_motions(netns)) {
            look.tcp.emplace(netns.inum, *std::move(motions));
        } else {
            look.notes.push_back(
                fmt::format("network namespace {}: {}", netns.inum, motions.error().message()));
        }
    }
    const Datagrams datagrams = dump_datagrams(namespaces);
    for (std::size_t at = 0; at < datagrams.rows.size(); ++at) {
        look.udp.emplace(datagrams.rows[at].inode,
                         motion_of(datagrams.rows[at], datagrams.details[at]));
    }
    // Last, and first in the second look: the time between is that of the counters, and at
    // most that of the sockets.
    for (const NetworkNamespace& netns : namespaces) {
        if (Expected<NetnsReading> reading = read_netns(netns, {})) {
            look.counters.emplace(netns.inum, std::move(reading->counters));
        }
    }
    look.at = monotonic_now();
    return look;
}

} // namespace tcpledger
