// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/life_view.hpp"

#include "output/format.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <utility>
#include <vector>

namespace tcpledger {
namespace {

std::vector<Column> text_columns(const LifeOptions& options)
{
    const bool wide = options.line.wide;
    const std::size_t address = wide ? 39 : 15;
    std::vector<Column> columns;
    if (options.line.show_clock_time) {
        columns.push_back({.header = "TIME", .width = 8});
    }
    if (options.line.show_seconds) {
        columns.push_back({.header = "TIME(s)", .align = Align::kRight, .width = 10});
    }
    columns.push_back({.header = "PID", .align = Align::kRight, .width = 7});
    columns.push_back({.header = "COMM", .width = wide ? 15U : 10U});
    columns.push_back({.header = "DIR", .width = 3});
    columns.push_back({.header = "LADDR", .width = address});
    columns.push_back({.header = "LPORT", .width = 5});
    columns.push_back({.header = "RADDR", .width = address});
    columns.push_back({.header = "RPORT", .width = 5});
    columns.push_back({.header = "SENT_B", .align = Align::kRight, .width = 8});
    columns.push_back({.header = "RECV_B", .align = Align::kRight, .width = 8});
    columns.push_back({.header = "MS", .align = Align::kRight, .width = 10});
    if (options.extended) {
        columns.push_back({.header = "CONN_MS", .align = Align::kRight, .width = 9});
        columns.push_back({.header = "ACC_MS", .align = Align::kRight, .width = 9});
        columns.push_back({.header = "SRTT_MS", .align = Align::kRight, .width = 8});
        columns.push_back({.header = "MINRTT", .align = Align::kRight, .width = 8});
        columns.push_back({.header = "RETR", .align = Align::kRight, .width = 4});
    }
    columns.push_back({.header = "CLOSED_BY", .width = 14});
    if (options.extended) {
        columns.push_back({.header = "WHY AND TIME IN STATES"});
    }
    return columns;
}

/// The states of a connection in the order in which it can go through them.
constexpr std::array kLifeOrder = {
    TcpState::kSynSent,  TcpState::kSynRecv,   TcpState::kEstablished,
    TcpState::kFinWait1, TcpState::kFinWait2,  TcpState::kClosing,
    TcpState::kTimeWait, TcpState::kCloseWait, TcpState::kLastAck,
};

/// The columns of CSV between the time and the two of a gap.
constexpr int kLifeColumns = 28;

std::string_view direction_name(const FinishedLife& life)
{
    return life.outgoing() ? "out" : "in";
}

std::string_view family_name(const FourTuple& tuple)
{
    return tuple.local.address.is_ipv4() ? "ipv4" : "ipv6";
}

std::optional<std::int64_t> count_of(std::optional<std::chrono::microseconds> duration)
{
    return duration ? std::optional(std::int64_t{duration->count()}) : std::nullopt;
}

/// "ECONNRESET"; nothing for no error, and for one that has no name.
std::optional<std::string_view> error_name(std::uint16_t error)
{
    const char* name = error != 0 ? ::strerrorname_np(error) : nullptr;
    return name != nullptr ? std::optional<std::string_view>(name) : std::nullopt;
}

std::optional<std::string_view> process_end_name(ProcessEnd end)
{
    switch (end) {
    case ProcessEnd::kLives:
        return std::nullopt;
    case ProcessEnd::kExited:
        return "exited";
    case ProcessEnd::kKilled:
        return "killed";
    }
    return std::nullopt;
}

std::string_view reset_direction(const Reset& reset)
{
    return reset.sent ? "sent" : "received";
}

std::string milliseconds(std::optional<std::chrono::nanoseconds> duration)
{
    return duration ? format_milliseconds(*duration) : "-";
}

/// A local port that connect() never came to.
std::optional<std::uint16_t> known_port(const Endpoint& endpoint)
{
    return endpoint.port != 0 ? std::optional(endpoint.port) : std::nullopt;
}

std::string port_text(const Endpoint& endpoint)
{
    return endpoint.port != 0 ? std::to_string(endpoint.port) : "-";
}

} // namespace

TraceLine identity_of(const FinishedLife& life)
{
    return line_of({life.closed, life.connection, life.owner, TcpState::kClose, life.last_state,
                    life.duration});
}

LifeFormat::LifeFormat(const LifeOptions& options, Painter painter, const ClockReading& start,
                       ResetReasons reasons)
    : options_(options), start_(start.monotonic), timeline_(start, user_hz()),
      reasons_(std::move(reasons)), rows_(text_columns(options), painter)
{
}

std::string LifeFormat::header() const
{
    if (options_.line.common.json) {
        return {};
    }
    if (options_.line.csv) {
        return "time,cookie,netns,family,pid,comm,how,direction,local_address,local_port,"
               "remote_address,remote_port,opened,closed,duration_ms,bytes_sent,bytes_received,"
               "bytes_retransmitted,srtt_us,min_rtt_us,retransmits,connect_ms,accept_wait_ms,"
               "last_state,closed_by,error,reset,reset_reason,process_end,lost,dropped";
    }
    return rows_.header();
}

std::string_view LifeFormat::format(const FinishedLife& life, const TraceLine& identity)
{
    if (options_.line.common.json) {
        return format_json(life, identity);
    }
    return options_.line.csv ? format_csv(life, identity) : format_text(life, identity);
}

std::string LifeFormat::gap(std::optional<std::uint64_t> lost, std::optional<std::uint64_t> dropped,
                            MonotonicTime now) const
{
    if (options_.line.common.json) {
        JsonWriter json; // its own: the line that found no room may still be in json_
        json.begin_object().field("time", wall(now));
        lost ? json.field("lost", *lost) : json.field("dropped", dropped);
        json.end_object();
        return std::string(json.take_line());
    }
    if (options_.line.csv) {
        CsvWriter csv;
        csv.value(wall(now));
        for (int column = 0; column < kLifeColumns; ++column) {
            csv.null();
        }
        csv.value(lost).value(dropped);
        return std::string(csv.take_line());
    }
    return lost ? fmt::format("# {} events lost; connections may be missing", *lost)
                : fmt::format("# {} lines dropped: the reader is too slow", dropped.value_or(0));
}

std::string_view LifeFormat::format_json(const FinishedLife& life, const TraceLine& identity)
{
    const FourTuple& tuple = identity.tuple;
    const Farewell& figures = life.figures;
    json_.begin_object().field("time", wall(life.closed)).field("cookie", identity.cookie);
    json_.field("netns", tuple.netns_inum).field("family", family_name(tuple));
    json_.field("pid", identity.pid).field("comm", identity.comm);
    json_.field("how", how_name(identity.how)).field("direction", direction_name(life));
    json_.field("local_address", tuple.local.address);
    json_.field("local_port", known_port(tuple.local));
    json_.field("remote_address", tuple.remote.address);
    json_.field("remote_port", known_port(tuple.remote));
    json_.field("opened", opened(life)).field("closed", wall(life.closed));
    json_.milliseconds_field("duration_ms", life.duration);
    json_.field("bytes_sent", figures.bytes_sent).field("bytes_received", figures.bytes_received);
    json_.field("bytes_retransmitted", figures.bytes_retransmitted);
    json_.field("srtt_us", count_of(figures.srtt)).field("min_rtt_us", count_of(figures.min_rtt));
    json_.field("retransmits", figures.retransmits);
    json_.milliseconds_field("connect_ms", life.connect);
    json_.milliseconds_field("accept_wait_ms", life.accept_wait);
    json_.field("last_state", life.last_state).field("closed_by", ending_name(life.ending));
    json_.field("error", error_name(life.error));
    write_reset(life);
    json_.field("process_end", process_end_name(life.process_end));
    write_states(life);
    json_.end_object();
    return json_.take_line();
}

void LifeFormat::write_reset(const FinishedLife& life)
{
    if (!life.reset) {
        json_.null_field("reset");
        return;
    }
    const std::string_view reason =
        life.reset->reason ? reasons_.name(*life.reset->reason) : std::string_view();
    json_.key("reset").begin_object().field("direction", reset_direction(*life.reset));
    reason.empty() ? json_.null_field("reason") : json_.field("reason", reason);
    json_.end_object();
}

void LifeFormat::write_states(const FinishedLife& life)
{
    json_.key("states_ms").begin_object();
    for (const TcpState state : kLifeOrder) {
        const auto& time = life.time_in_state[static_cast<std::size_t>(state)];
        if (time) {
            json_.milliseconds_field(state_name(state), time);
        }
    }
    json_.end_object();
}

std::string_view LifeFormat::format_csv(const FinishedLife& life, const TraceLine& identity)
{
    const FourTuple& tuple = identity.tuple;
    const Farewell& figures = life.figures;
    csv_.value(wall(life.closed)).value(identity.cookie).value(tuple.netns_inum);
    csv_.value(family_name(tuple)).value(identity.pid).value(identity.comm);
    csv_.value(how_name(identity.how)).value(direction_name(life));
    csv_.value(tuple.local.address).value(known_port(tuple.local));
    csv_.value(tuple.remote.address).value(known_port(tuple.remote));
    csv_.value(opened(life)).value(wall(life.closed)).milliseconds(life.duration);
    csv_.value(figures.bytes_sent).value(figures.bytes_received).value(figures.bytes_retransmitted);
    csv_.value(count_of(figures.srtt)).value(count_of(figures.min_rtt)).value(figures.retransmits);
    csv_.milliseconds(life.connect).milliseconds(life.accept_wait);
    csv_.value(life.last_state).value(ending_name(life.ending)).value(error_name(life.error));
    life.reset ? csv_.value(reset_direction(*life.reset)) : csv_.null();
    const std::string_view reason =
        life.reset && life.reset->reason ? reasons_.name(*life.reset->reason) : std::string_view();
    reason.empty() ? csv_.null() : csv_.value(reason);
    csv_.value(process_end_name(life.process_end)).null().null();
    return csv_.take_line();
}

/// What -x says behind the ending: the error, the reset and its reason, the time in each state.
std::string LifeFormat::why(const FinishedLife& life) const
{
    std::string text;
    if (const auto error = error_name(life.error)) {
        text += fmt::format("{} ", *error);
    }
    if (life.reset) {
        const std::string_view reason =
            life.reset->reason ? reasons_.name(*life.reset->reason) : std::string_view();
        text += fmt::format("RST-{}{}{} ", reset_direction(*life.reset), reason.empty() ? "" : ":",
                            reason);
    }
    if (const auto end = process_end_name(life.process_end)) {
        text += fmt::format("process-{} ", *end);
    }
    for (const TcpState state : kLifeOrder) {
        if (const auto& time = life.time_in_state[static_cast<std::size_t>(state)]) {
            text += fmt::format("{}={} ", state_name(state), format_milliseconds(*time));
        }
    }
    if (!text.empty()) {
        text.pop_back();
    }
    return text;
}

std::string_view LifeFormat::format_text(const FinishedLife& life, const TraceLine& identity)
{
    const FourTuple& tuple = identity.tuple;
    const Farewell& figures = life.figures;
    std::vector<std::string> texts;
    texts.reserve(19);
    if (options_.line.show_clock_time) {
        texts.push_back(format_local_hms(wall(life.closed)));
    }
    if (options_.line.show_seconds) {
        const std::chrono::duration<double> since = life.closed - start_;
        texts.push_back(fmt::format("{:.6f}", since.count()));
    }
    texts.push_back(identity.pid ? std::to_string(*identity.pid) : "-");
    texts.push_back(identity.comm);
    texts.emplace_back(direction_name(life));
    texts.push_back(tuple.local.address.text());
    texts.push_back(port_text(tuple.local));
    texts.push_back(tuple.remote.address.text());
    texts.push_back(port_text(tuple.remote));
    texts.push_back(std::to_string(figures.bytes_sent));
    texts.push_back(std::to_string(figures.bytes_received));
    texts.push_back(milliseconds(life.duration));
    if (options_.extended) {
        texts.push_back(milliseconds(life.connect));
        texts.push_back(milliseconds(life.accept_wait));
        texts.push_back(milliseconds(figures.srtt));
        texts.push_back(milliseconds(figures.min_rtt));
        texts.push_back(std::to_string(figures.retransmits));
    }
    texts.emplace_back(ending_name(life.ending));
    if (options_.extended) {
        texts.push_back(why(life));
    }
    text_.clear();
    rows_.append_row(text_, std::vector<Cell>(texts.begin(), texts.end()));
    return text_;
}

std::chrono::system_clock::time_point LifeFormat::wall(MonotonicTime time) const
{
    return std::chrono::time_point_cast<std::chrono::system_clock::duration>(
        timeline_.wall_of_monotonic(time));
}

std::optional<std::chrono::system_clock::time_point>
LifeFormat::opened(const FinishedLife& life) const
{
    return life.duration ? std::optional(wall(life.connection.opened)) : std::nullopt;
}

} // namespace tcpledger
