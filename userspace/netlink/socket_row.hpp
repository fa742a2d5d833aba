// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What one row of a sock_diag dump says about one socket, in host order and with
// units in the names. Plain data: it knows neither netlink nor who holds the socket.
#pragma once

#include "base/endpoint.hpp"
#include "base/tcp_state.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace tcpledger {

/// The timer that runs on a socket, numbered as the kernel reports it (idiag_timer).
enum class SocketTimer : std::uint8_t {
    kNone = 0,
    kRetransmit = 1, ///< ss calls it "on"
    kKeepalive = 2,
    kTimeWait = 3,
    kPersist = 4,
    kUnknown = 255, ///< a number this program does not know
};

/// One socket. A full dump holds hundreds of thousands of these: 96 bytes, no heap.
struct SocketRow {
    FourTuple tuple;
    std::uint64_t cookie = 0;
    std::uint64_t cgroup_id = 0; ///< 0: mini-socket, or a kernel older than 5.7
    std::uint32_t inode = 0;     ///< 0: nobody has a descriptor, or a mini-socket
    std::uint32_t uid = 0;
    std::uint32_t recv_queue_bytes = 0; ///< LISTEN: connections waiting to be accepted
    std::uint32_t send_queue_bytes = 0; ///< LISTEN: the backlog
    std::uint32_t timer_ms = 0;         ///< until the timer fires
    std::uint32_t mark = 0;             ///< told only to CAP_NET_ADMIN
    std::uint32_t interface_index = 0;  ///< bound to; 0: to none
    std::uint8_t family = 0;            ///< the socket's: AF_INET6 too where the addresses are IPv4
    std::uint8_t protocol = 0;          ///< IPPROTO_TCP or IPPROTO_UDP
    TcpState state = TcpState::kClose;  ///< a mini-socket's is its substate
    SocketTimer timer = SocketTimer::kNone;
    std::uint8_t retransmits = 0;   ///< or probes sent, by timer
    std::uint8_t shutdown_mask = 0; ///< 1: reading, 2: writing is shut down
    bool has_shutdown = false;      ///< shutdown_mask was told: of full sockets
    bool ipv6_only = false;         ///< told of listening and closed sockets only
};
static_assert(sizeof(SocketRow) == 96);

/// The kernel's tcp_info. A field that an older kernel does not have is 0; `known_bytes`
/// says how much of struct tcp_info was there.
struct TcpInfo {
    std::uint32_t known_bytes = 0;
    std::uint8_t ca_state = 0;
    std::uint8_t backoff = 0;
    std::uint8_t options = 0; ///< TCPI_OPT_*
    std::uint8_t send_window_scale = 0;
    std::uint8_t recv_window_scale = 0;
    bool app_limited = false;
    std::uint32_t rto_us = 0;
    std::uint32_t ato_us = 0;
    std::uint32_t send_mss_bytes = 0;
    std::uint32_t recv_mss_bytes = 0;
    std::uint32_t unacked_count = 0; ///< LISTEN: connections waiting to be accepted
    std::uint32_t sacked_count = 0;  ///< LISTEN: the backlog
    std::uint32_t lost_count = 0;
    std::uint32_t retransmitted_count = 0; ///< in flight now
    std::uint32_t last_data_sent_ms = 0;   ///< ago
    std::uint32_t last_data_recv_ms = 0;
    std::uint32_t last_ack_recv_ms = 0;
    std::uint32_t path_mtu_bytes = 0;
    std::uint32_t recv_ssthresh_bytes = 0;
    std::uint32_t srtt_us = 0;
    std::uint32_t rttvar_us = 0;
    std::uint32_t send_ssthresh_count = 0;
    std::uint32_t congestion_window_count = 0;
    std::uint32_t advertised_mss_bytes = 0;
    std::uint32_t reordering_count = 0;
    std::uint32_t recv_rtt_us = 0;
    std::uint32_t recv_space_bytes = 0;
    std::uint32_t total_retransmits = 0;
    std::uint64_t pacing_bytes_per_s = 0;
    std::uint64_t max_pacing_bytes_per_s = 0;
    std::uint64_t bytes_acked = 0;
    std::uint64_t bytes_received = 0;
    std::uint32_t segments_out = 0;
    std::uint32_t segments_in = 0;
    std::uint32_t not_sent_bytes = 0;
    std::uint32_t min_rtt_us = 0;
    std::uint32_t data_segments_in = 0;
    std::uint32_t data_segments_out = 0;
    std::uint64_t delivery_bytes_per_s = 0;
    std::uint64_t busy_us = 0;
    std::uint64_t recv_window_limited_us = 0;
    std::uint64_t send_buffer_limited_us = 0;
    std::uint32_t delivered_count = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_retransmitted = 0;
    std::uint32_t reordered_seen_count = 0;
    std::uint32_t dsack_duplicates_count = 0;
    std::uint32_t recv_out_of_order_count = 0;
    std::uint32_t send_window_bytes = 0;
};

/// SK_MEMINFO_*, in the kernel's order (ss's skmem).
struct SocketMemory {
    std::uint32_t recv_allocated_bytes = 0;
    std::uint32_t recv_buffer_bytes = 0;
    std::uint32_t send_allocated_bytes = 0;
    std::uint32_t send_buffer_bytes = 0;
    std::uint32_t forward_allocated_bytes = 0;
    std::uint32_t send_queued_bytes = 0;
    std::uint32_t option_bytes = 0;
    std::uint32_t backlog_bytes = 0;
    std::uint32_t drops_count = 0;
};

/// What the congestion control tells of itself: INET_DIAG_BBRINFO and its kin.
struct CongestionInfo {
    enum class Kind : std::uint8_t { kNone, kVegas, kBbr, kDctcp };

    Kind kind = Kind::kNone;
    /// Vegas: enabled, rounds, RTT and least RTT in us. BBR: bytes/s (low, high word), least RTT
    /// in us, pacing and window gain in 1/256. DCTCP: ce_state << 16 | enabled, alpha, ab_ecn,
    /// ab_tot, 0.
    std::array<std::uint32_t, 5> words{};
};

/// What a dump tells beyond the row, when asked. `has_*` is false where the kernel said nothing.
struct SocketDetails {
    TcpInfo info;
    SocketMemory memory;
    CongestionInfo congestion_info;
    std::array<char, 16> congestion_bytes{}; ///< zero-terminated unless full
    std::uint8_t tos = 0;
    std::uint8_t traffic_class = 0;
    bool has_info = false;
    bool has_memory = false;
    bool has_congestion = false;
    bool has_tos = false;
    bool has_traffic_class = false;

    /// The congestion control's name, "cubic"; empty where unknown.
    [[nodiscard]] std::string_view congestion() const noexcept
    {
        const std::string_view all(congestion_bytes.data(), congestion_bytes.size());
        return all.substr(0, all.find('\0'));
    }
};

} // namespace tcpledger
