// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What ss writes of a connection's tcp_info: seen in ss 6.1's output, figure by figure.
#include "commands/list_tcp_info.hpp"

#include <gtest/gtest.h>
#include <linux/tcp.h>

#include <algorithm>
#include <string_view>

namespace tcpledger {
namespace {

SocketDetails loopback_sender()
{
    SocketDetails details;
    details.has_info = details.has_congestion = true;
    std::ranges::copy(std::string_view("bbr"), details.congestion_bytes.begin());
    TcpInfo& info = details.info;
    info.options = TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE;
    info.send_window_scale = info.recv_window_scale = 10;
    info.rto_us = 204'000;
    info.srtt_us = 33;
    info.rttvar_us = 18;
    info.send_mss_bytes = 35328;
    info.path_mtu_bytes = 65535;
    info.recv_mss_bytes = 536;
    info.advertised_mss_bytes = 65483;
    info.congestion_window_count = 11;
    info.send_ssthresh_count = 0x7fffffff;
    info.bytes_sent = 1000;
    info.bytes_acked = 1001;
    info.segments_out = 3;
    info.segments_in = 2;
    info.data_segments_out = 1;
    info.last_data_sent_ms = info.last_data_recv_ms = info.last_ack_recv_ms = 19860;
    info.pacing_bytes_per_s = 202311142712 / 8;
    info.max_pacing_bytes_per_s = ~std::uint64_t{0};
    info.delivery_bytes_per_s = 23552000000 / 8;
    info.delivered_count = 2;
    info.app_limited = true;
    info.reordering_count = 3;
    info.recv_space_bytes = info.recv_ssthresh_bytes = 65495;
    info.min_rtt_us = 12;
    info.send_window_bytes = 70656;
    details.congestion_info.kind = CongestionInfo::Kind::kBbr;
    details.congestion_info.words = {23551994384ULL / 8, 0, 12, 739, 739};
    return details;
}

std::string text_of(const SocketDetails& details, const DetailsWanted& wanted)
{
    std::string text;
    append_details(text, details, wanted);
    return text;
}

TEST(TcpInfoText, IsTheLineOfSs)
{
    EXPECT_EQ(text_of(loopback_sender(), {.info = true, .options = true, .numeric = true}),
              " ts sack bbr wscale:10,10 rto:204 rtt:0.033/0.018 mss:35328 pmtu:65535 rcvmss:536 "
              "advmss:65483 cwnd:11 bytes_sent:1000 bytes_acked:1001 segs_out:3 segs_in:2 "
              "data_segs_out:1 bbr:(bw:23551994384bps,mrtt:0.012,pacing_gain:2.88672,"
              "cwnd_gain:2.88672) send 94208000000bps lastsnd:19860 lastrcv:19860 lastack:19860 "
              "pacing_rate 202311142712bps delivery_rate 23552000000bps delivered:2 app_limited "
              "rcv_space:65495 rcv_ssthresh:65495 minrtt:0.012 snd_wnd:70656");
}

TEST(TcpInfoText, RatesHaveUnitsWithoutNumeric)
{
    const std::string text = text_of(loopback_sender(), {.info = true});
    EXPECT_TRUE(text.starts_with(" bbr wscale:")) << text;
    EXPECT_NE(text.find(" send 94.2Gbps"), std::string::npos) << text;
    EXPECT_NE(text.find("pacing_rate 202Gbps delivery_rate 23.6Gbps"), std::string::npos) << text;
    SocketDetails idle = loopback_sender();
    idle.congestion_info.words = {0, 0, 7, 0, 0};
    EXPECT_NE(text_of(idle, {.info = true}).find(" bbr:(bw:0bps,mrtt:0.007)"), std::string::npos);
}

TEST(TcpInfoText, LimitsAreSharesOfTheBusyTime)
{
    SocketDetails details;
    details.has_info = true;
    details.info.busy_us = 2'000'000;
    details.info.recv_window_limited_us = 500'000;
    details.info.retransmitted_count = 0;
    details.info.total_retransmits = 1;
    EXPECT_EQ(text_of(details, {.info = true}),
              " busy:2000ms rwnd_limited:500ms(25.0%) retrans:0/1");
}

TEST(TcpInfoText, AListenersBacklogIsNotSacked)
{
    SocketDetails details;
    details.has_info = true;
    details.info.congestion_window_count = 10;
    details.info.unacked_count = 1;
    details.info.sacked_count = 5;
    EXPECT_EQ(text_of(details, {.info = true, .listening = true}), " cwnd:10 unacked:1");
    EXPECT_EQ(text_of(details, {.info = true}), " cwnd:10 unacked:1 sacked:5");
}

TEST(TcpInfoText, WhatTheKernelDidNotTellIsLeftOut)
{
    EXPECT_EQ(text_of({}, {.memory = true, .info = true, .options = true}), "");
    SocketDetails details;
    details.has_memory = true;
    details.memory.recv_allocated_bytes = 1832;
    details.memory.drops_count = 2;
    EXPECT_EQ(text_of(details, {.info = true}), "");
    EXPECT_EQ(text_of(details, {.memory = true}), " skmem:(r1832,rb0,t0,tb0,f0,w0,o0,bl0,d2)");
}

} // namespace
} // namespace tcpledger
