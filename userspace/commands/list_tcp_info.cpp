// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/list_tcp_info.hpp"

#include "output/escape.hpp"

#include <fmt/format.h>
#include <linux/tcp.h>

#include <array>
#include <cstdint>
#include <iterator>
#include <limits>

namespace tcpledger {
namespace {

constexpr std::uint64_t kNoRate = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint32_t kNoTime = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint32_t kNoThreshold = 0xffff;       ///< ssthresh of a connection that has none
constexpr std::uint32_t kFirstTimeoutUs = 3'000'000; ///< an RTO that ss takes for none
constexpr std::uint32_t kUsualReordering = 3;

double milliseconds(std::uint64_t microseconds)
{
    return static_cast<double>(microseconds) / 1000.0;
}

/// Appends " name:value" and its kin.
class InfoText {
public:
    InfoText(std::string& out, bool numeric) : out_(out), numeric_(numeric) {}

    void word(std::string_view text, bool wanted)
    {
        if (wanted) {
            out_ += ' ';
            out_ += text;
        }
    }
    void count(std::string_view name, std::uint64_t number)
    {
        if (number != 0) {
            fmt::format_to(at(), " {}:{}", name, number);
        }
    }
    void time(std::string_view name, std::uint64_t microseconds)
    {
        if (microseconds != 0) {
            fmt::format_to(at(), " {}:{:g}", name, milliseconds(microseconds));
        }
    }
    /// "101Gbps", or the plain number.
    void rate(double bits)
    {
        constexpr std::array kUnits = {"", "K", "M", "G", "T"};
        if (numeric_) {
            fmt::format_to(at(), "{:.0f}bps", bits);
            return;
        }
        std::size_t unit = 0;
        while (bits >= 1000.0 && unit + 1 < kUnits.size()) {
            bits /= 1000.0;
            ++unit;
        }
        fmt::format_to(at(), "{:.3g}{}bps", bits, kUnits[unit]);
    }
    template <typename... Parts>
    void print(fmt::format_string<const Parts&...> format, const Parts&... parts)
    {
        fmt::format_to(at(), format, parts...);
    }

private:
    std::back_insert_iterator<std::string> at() { return std::back_inserter(out_); }

    std::string& out_;
    bool numeric_;
};

void append_memory(InfoText& text, const SocketMemory& memory)
{
    text.print(" skmem:(r{},rb{},t{},tb{},f{},w{},o{},bl{},d{})", memory.recv_allocated_bytes,
               memory.recv_buffer_bytes, memory.send_allocated_bytes, memory.send_buffer_bytes,
               memory.forward_allocated_bytes, memory.send_queued_bytes, memory.option_bytes,
               memory.backlog_bytes, memory.drops_count);
}

void append_negotiated(InfoText& text, const TcpInfo& info)
{
    text.word("ts", (info.options & TCPI_OPT_TIMESTAMPS) != 0);
    text.word("sack", (info.options & TCPI_OPT_SACK) != 0);
    text.word("ecn", (info.options & TCPI_OPT_ECN) != 0);
    text.word("ecnseen", (info.options & TCPI_OPT_ECN_SEEN) != 0);
    text.word("fastopen", (info.options & TCPI_OPT_SYN_DATA) != 0);
}

void append_timing_and_sizes(InfoText& text, const TcpInfo& info)
{
    if ((info.options & TCPI_OPT_WSCALE) != 0) {
        text.print(" wscale:{},{}", info.send_window_scale, info.recv_window_scale);
    }
    text.time("rto", info.rto_us != kFirstTimeoutUs ? info.rto_us : 0);
    text.count("backoff", info.backoff);
    if (info.srtt_us != 0) {
        text.print(" rtt:{:g}/{:g}", milliseconds(info.srtt_us), milliseconds(info.rttvar_us));
    }
    text.time("ato", info.ato_us);
    text.count("mss", info.send_mss_bytes);
    text.count("pmtu", info.path_mtu_bytes);
    text.count("rcvmss", info.recv_mss_bytes);
    text.count("advmss", info.advertised_mss_bytes);
    text.count("cwnd", info.congestion_window_count);
    text.count("ssthresh", info.send_ssthresh_count < kNoThreshold ? info.send_ssthresh_count : 0);
    text.count("bytes_sent", info.bytes_sent);
    text.count("bytes_retrans", info.bytes_retransmitted);
    text.count("bytes_acked", info.bytes_acked);
    text.count("bytes_received", info.bytes_received);
    text.count("segs_out", info.segments_out);
    text.count("segs_in", info.segments_in);
    text.count("data_segs_out", info.data_segments_out);
    text.count("data_segs_in", info.data_segments_in);
}

void append_congestion_info(InfoText& text, const CongestionInfo& info)
{
    const auto& words = info.words;
    if (info.kind == CongestionInfo::Kind::kDctcp) {
        if ((words[0] & 0xffffU) == 0) {
            text.print(" dctcp:fallback_mode");
        } else {
            text.print(" dctcp:(ce_state:{},alpha:{},ab_ecn:{},ab_tot:{})", words[0] >> 16U,
                       words[1], words[2], words[3]);
        }
    } else if (info.kind == CongestionInfo::Kind::kBbr) {
        const auto bytes_per_s = std::uint64_t{words[1]} << 32U | words[0];
        text.print(" bbr:(bw:");
        text.rate(static_cast<double>(bytes_per_s) * 8.0);
        text.print(",mrtt:{:g}", milliseconds(words[2]));
        if (words[3] != 0) {
            text.print(",pacing_gain:{:g}", static_cast<double>(words[3]) / 256.0);
        }
        if (words[4] != 0) {
            text.print(",cwnd_gain:{:g}", static_cast<double>(words[4]) / 256.0);
        }
        text.print(")");
    }
}

/// Bits a second that the window and the round trip allow.
void append_send_rate(InfoText& text, const SocketDetails& details)
{
    const TcpInfo& info = details.info;
    const CongestionInfo& congestion = details.congestion_info;
    double rtt_us = info.srtt_us;
    if (congestion.kind == CongestionInfo::Kind::kVegas && congestion.words[0] != 0 &&
        congestion.words[2] != 0 && congestion.words[2] != 0x7fffffff) {
        rtt_us = congestion.words[2];
    }
    if (rtt_us > 0 && info.send_mss_bytes != 0 && info.congestion_window_count != 0) {
        text.print(" send ");
        text.rate(static_cast<double>(info.congestion_window_count) *
                  static_cast<double>(info.send_mss_bytes) * 8'000'000.0 / rtt_us);
    }
}

void append_rates(InfoText& text, const SocketDetails& details)
{
    const TcpInfo& info = details.info;
    append_send_rate(text, details);
    text.count("lastsnd", info.last_data_sent_ms);
    text.count("lastrcv", info.last_data_recv_ms);
    text.count("lastack", info.last_ack_recv_ms);
    if (info.pacing_bytes_per_s != 0 && info.pacing_bytes_per_s != kNoRate) {
        text.print(" pacing_rate ");
        text.rate(static_cast<double>(info.pacing_bytes_per_s) * 8.0);
        if (info.max_pacing_bytes_per_s != 0 && info.max_pacing_bytes_per_s != kNoRate) {
            text.print("/");
            text.rate(static_cast<double>(info.max_pacing_bytes_per_s) * 8.0);
        }
    }
    if (info.delivery_bytes_per_s != 0) {
        text.print(" delivery_rate ");
        text.rate(static_cast<double>(info.delivery_bytes_per_s) * 8.0);
    }
    text.count("delivered", info.delivered_count);
    text.word("app_limited", info.app_limited);
    if (info.busy_us == 0) {
        return;
    }
    text.print(" busy:{}ms", info.busy_us / 1000);
    const auto limited = [&](const char* name, std::uint64_t microseconds) {
        if (microseconds != 0) {
            text.print(" {}:{}ms({:.1f}%)", name, microseconds / 1000,
                       100.0 * static_cast<double>(microseconds) /
                           static_cast<double>(info.busy_us));
        }
    };
    limited("rwnd_limited", info.recv_window_limited_us);
    limited("sndbuf_limited", info.send_buffer_limited_us);
}

void append_losses_and_windows(InfoText& text, const TcpInfo& info, bool listening)
{
    text.count("unacked", info.unacked_count);
    if (info.retransmitted_count != 0 || info.total_retransmits != 0) {
        text.print(" retrans:{}/{}", info.retransmitted_count, info.total_retransmits);
    }
    text.count("lost", info.lost_count);
    text.count("sacked", listening ? 0 : info.sacked_count); // else it is the backlog
    text.count("dsack_dups", info.dsack_duplicates_count);
    if (info.reordering_count != kUsualReordering) {
        text.count("reordering", info.reordering_count);
    }
    text.count("reord_seen", info.reordered_seen_count);
    text.time("rcv_rtt", info.recv_rtt_us);
    text.count("rcv_space", info.recv_space_bytes);
    text.count("rcv_ssthresh", info.recv_ssthresh_bytes);
    text.count("notsent", info.not_sent_bytes);
    text.time("minrtt", info.min_rtt_us != kNoTime ? info.min_rtt_us : 0);
    text.count("rcv_ooopack", info.recv_out_of_order_count);
    text.count("snd_wnd", info.send_window_bytes);
}

} // namespace

void append_details(std::string& out, const SocketDetails& details, const DetailsWanted& wanted)
{
    InfoText text(out, wanted.numeric);
    if (wanted.memory && details.has_memory) {
        append_memory(text, details.memory);
    }
    if (!wanted.info || !details.has_info) {
        return;
    }
    const TcpInfo& info = details.info;
    if (wanted.options) {
        append_negotiated(text, info);
    }
    text.word(visible(details.congestion()), !details.congestion().empty());
    append_timing_and_sizes(text, info);
    append_congestion_info(text, details.congestion_info);
    append_rates(text, details);
    append_losses_and_windows(text, info, wanted.listening);
}

} // namespace tcpledger
