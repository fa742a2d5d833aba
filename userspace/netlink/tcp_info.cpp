// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "netlink/tcp_info.hpp"

#include <linux/tcp.h>

#include <algorithm>

namespace tcpledger {

TcpInfo read_tcp_info(std::span<const std::byte> bytes)
{
    tcp_info raw{};
    const std::size_t known_bytes = std::min(bytes.size(), sizeof(raw));
    std::ranges::copy(bytes.first(known_bytes), std::as_writable_bytes(std::span(&raw, 1)).begin());

    TcpInfo info;
    info.known_bytes = static_cast<std::uint32_t>(known_bytes);
    info.ca_state = raw.tcpi_ca_state;
    info.backoff = raw.tcpi_backoff;
    info.options = raw.tcpi_options;
    info.send_window_scale = raw.tcpi_snd_wscale;
    info.recv_window_scale = raw.tcpi_rcv_wscale;
    info.app_limited = raw.tcpi_delivery_rate_app_limited != 0;
    info.rto_us = raw.tcpi_rto;
    info.ato_us = raw.tcpi_ato;
    info.send_mss_bytes = raw.tcpi_snd_mss;
    info.recv_mss_bytes = raw.tcpi_rcv_mss;
    info.unacked_count = raw.tcpi_unacked;
    info.sacked_count = raw.tcpi_sacked;
    info.lost_count = raw.tcpi_lost;
    info.retransmitted_count = raw.tcpi_retrans;
    info.last_data_sent_ms = raw.tcpi_last_data_sent;
    info.last_data_recv_ms = raw.tcpi_last_data_recv;
    info.last_ack_recv_ms = raw.tcpi_last_ack_recv;
    info.path_mtu_bytes = raw.tcpi_pmtu;
    info.recv_ssthresh_bytes = raw.tcpi_rcv_ssthresh;
    info.srtt_us = raw.tcpi_rtt;
    info.rttvar_us = raw.tcpi_rttvar;
    info.send_ssthresh_count = raw.tcpi_snd_ssthresh;
    info.congestion_window_count = raw.tcpi_snd_cwnd;
    info.advertised_mss_bytes = raw.tcpi_advmss;
    info.reordering_count = raw.tcpi_reordering;
    info.recv_rtt_us = raw.tcpi_rcv_rtt;
    info.recv_space_bytes = raw.tcpi_rcv_space;
    info.total_retransmits = raw.tcpi_total_retrans;
    info.pacing_bytes_per_s = raw.tcpi_pacing_rate;
    info.max_pacing_bytes_per_s = raw.tcpi_max_pacing_rate;
    info.bytes_acked = raw.tcpi_bytes_acked;
    info.bytes_received = raw.tcpi_bytes_received;
    info.segments_out = raw.tcpi_segs_out;
    info.segments_in = raw.tcpi_segs_in;
    info.not_sent_bytes = raw.tcpi_notsent_bytes;
    info.min_rtt_us = raw.tcpi_min_rtt;
    info.data_segments_in = raw.tcpi_data_segs_in;
    info.data_segments_out = raw.tcpi_data_segs_out;
    info.delivery_bytes_per_s = raw.tcpi_delivery_rate;
    info.busy_us = raw.tcpi_busy_time;
    info.recv_window_limited_us = raw.tcpi_rwnd_limited;
    info.send_buffer_limited_us = raw.tcpi_sndbuf_limited;
    info.delivered_count = raw.tcpi_delivered;
    info.bytes_sent = raw.tcpi_bytes_sent;
    info.bytes_retransmitted = raw.tcpi_bytes_retrans;
    info.reordered_seen_count = raw.tcpi_reord_seen;
    info.dsack_duplicates_count = raw.tcpi_dsack_dups;
    info.recv_out_of_order_count = raw.tcpi_rcv_ooopack;
    info.send_window_bytes = raw.tcpi_snd_wnd;
    return info;
}

} // namespace tcpledger
