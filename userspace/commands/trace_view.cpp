// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/trace_view.hpp"

#include "output/format.hpp"

#include <fmt/format.h>

#include <vector>

namespace tcpledger {
namespace {

std::vector<Column> text_columns(const TraceOptions& options)
{
    const std::size_t address = options.wide ? 39 : 15;
    std::vector<Column> columns;
    if (options.show_clock_time) {
        columns.push_back({.header = "TIME", .width = 8});
    }
    if (options.show_seconds) {
        columns.push_back({.header = "TIME(s)", .align = Align::kRight, .width = 10});
    }
    columns.push_back({.header = "COOKIE", .width = options.wide ? 16U : 8U});
    columns.push_back({.header = "PID", .align = Align::kRight, .width = 7});
    columns.push_back({.header = "COMM", .width = options.wide ? 15U : 10U});
    columns.push_back({.header = "HOW", .width = 9});
    columns.push_back({.header = "LADDR", .width = address});
    columns.push_back({.header = "LPORT", .width = 5});
    columns.push_back({.header = "RADDR", .width = address});
    columns.push_back({.header = "RPORT", .width = 5});
    columns.push_back({.header = "OLDSTATE", .width = 11});
    columns.push_back({.header = "->", .width = 2});
    columns.push_back({.header = "NEWSTATE", .width = 11});
    columns.push_back({.header = "MS"});
    return columns;
}

/// The columns of CSV between the time and those of a gap.
constexpr int kTransitionColumns = 13;

/// A tuple's side as far as it is known yet.
std::optional<std::uint16_t> known_port(const Endpoint& endpoint)
{
    return endpoint.port != 0 ? std::optional(endpoint.port) : std::nullopt;
}

/// The remote end of a listener, and of a connection just cloned from one, is nobody.
bool has_remote(const FourTuple& tuple)
{
    return tuple.remote.port != 0;
}

std::string_view family_name(const FourTuple& tuple)
{
    return tuple.local.address.is_ipv4() ? "ipv4" : "ipv6";
}

} // namespace

TraceLine line_of(const AppliedTransition& transition)
{
    const Connection& connection = transition.connection;
    TraceLine line;
    line.time = transition.time;
    line.tuple = connection.tuple;
    line.cookie = connection.cookie;
    line.comm = transition.owner.comm;
    line.how = connection.how;
    line.family = connection.family;
    line.inode = connection.inode;
    line.mark = connection.mark;
    line.interface_index = connection.interface_index;
    line.port_origin = connection.port_origin;
    line.unaccepted = connection.unaccepted;
    if (connection.owner != kKernelProcess && connection.owner != kUnknownProcess) {
        line.process = transition.owner.key;
        line.pid = transition.owner.key.pid;
        line.uid = transition.owner.uid;
        line.cgroup_id = transition.owner.cgroup_id;
    }
    line.old_state = transition.old_state;
    line.new_state = transition.new_state;
    line.present = transition.old_state == transition.new_state;
    line.time_in_old_state = transition.time_in_old_state;
    return line;
}

TraceFormat::TraceFormat(const TraceOptions& options, Painter painter, const ClockReading& start)
    : options_(options), start_(start.monotonic), timeline_(start, user_hz()),
      rows_(text_columns(options), painter)
{
}

std::string TraceFormat::header() const
{
    if (options_.common.json) {
        return {};
    }
    if (options_.csv) {
        return "time,cookie,netns,family,pid,comm,how,local_address,local_port,remote_address,"
               "remote_port,old_state,new_state,state_ms,lost,dropped,early_ms,burst_per_s";
    }
    return rows_.header();
}

std::string_view TraceFormat::format(const TraceLine& line)
{
    const std::optional<MonotonicTime> early = earlier(line);
    if (options_.common.json) {
        return format_json(line, early);
    }
    return options_.csv ? format_csv(line, early) : format_text(line, early);
}

std::optional<MonotonicTime> TraceFormat::earlier(const TraceLine& line)
{
    if (line.time < latest_) {
        return latest_ - line.time;
    }
    latest_ = line.time;
    return std::nullopt;
}

std::string TraceFormat::burst(const BurstMark& mark) const
{
    const auto whole = [](double per_s) { return static_cast<std::uint64_t>(per_s); };
    if (options_.common.json) {
        JsonWriter json;
        json.begin_object().field("time", wall(mark.time));
        json.field("burst", mark.begins ? "begin" : "end");
        if (mark.begins) {
            json.field("per_s", whole(mark.per_s)).field("usual_per_s", whole(mark.usual_per_s));
        } else {
            json.field("transitions", mark.events).milliseconds_field("lasted_ms", mark.lasted);
        }
        return std::string(json.end_object().take_line());
    }
    if (options_.csv) {
        return aside_row(mark.time, std::nullopt, std::nullopt,
                         mark.begins ? whole(mark.per_s) : 0);
    }
    return mark.begins
               ? fmt::format("# burst: {} transitions/s, usually {}",
                             format_count(whole(mark.per_s)), format_count(whole(mark.usual_per_s)))
               : fmt::format("# burst over: {} transitions in {}", format_count(mark.events),
                             format_duration(mark.lasted));
}

std::string TraceFormat::loss(std::uint64_t lost, MonotonicTime now) const
{
    if (options_.common.json) {
        JsonWriter json; // its own: the line that found no room may still be in json_
        json.begin_object().field("time", wall(now)).field("lost", lost).end_object();
        return std::string(json.take_line());
    }
    if (options_.csv) {
        return aside_row(now, lost, std::nullopt);
    }
    return fmt::format("# {} events lost; the books are being settled again", lost);
}

std::string TraceFormat::dropped(std::uint64_t lines, MonotonicTime now) const
{
    if (options_.common.json) {
        JsonWriter json; // its own: the line that found no room may still be in json_
        json.begin_object().field("time", wall(now)).field("dropped", lines).end_object();
        return std::string(json.take_line());
    }
    if (options_.csv) {
        return aside_row(now, std::nullopt, lines);
    }
    return fmt::format("# {} lines dropped: the reader is too slow", lines);
}

std::string TraceFormat::aside_row(MonotonicTime now, std::optional<std::uint64_t> lost,
                                   std::optional<std::uint64_t> dropped,
                                   std::optional<std::uint64_t> burst_per_s) const
{
    CsvWriter csv; // its own: the line that found no room may still be in csv_
    csv.value(wall(now));
    for (int column = 0; column < kTransitionColumns; ++column) {
        csv.null();
    }
    lost ? csv.value(*lost) : csv.null();
    dropped ? csv.value(*dropped) : csv.null();
    csv.null();
    burst_per_s ? csv.value(*burst_per_s) : csv.null();
    return std::string(csv.take_line());
}

std::string_view TraceFormat::format_json(const TraceLine& line, std::optional<MonotonicTime> early)
{
    const FourTuple& tuple = line.tuple;
    json_.begin_object().field("time", wall(line.time));
    line.cookie != 0 ? json_.field("cookie", line.cookie) : json_.null_field("cookie");
    json_.field("netns", tuple.netns_inum).field("family", family_name(tuple));
    json_.field("pid", line.pid).field("comm", line.comm).field("how", how_name(line.how));
    json_.field("local_address", tuple.local.address);
    json_.field("local_port", known_port(tuple.local));
    if (has_remote(tuple)) {
        json_.field("remote_address", tuple.remote.address);
    } else {
        json_.null_field("remote_address");
    }
    json_.field("remote_port", known_port(tuple.remote));
    line.present ? json_.null_field("old_state") : json_.field("old_state", line.old_state);
    json_.field("new_state", line.new_state);
    json_.milliseconds_field("state_ms", line.time_in_old_state);
    json_.milliseconds_field("early_ms", early);
    json_.end_object();
    return json_.take_line();
}

std::string_view TraceFormat::format_csv(const TraceLine& line, std::optional<MonotonicTime> early)
{
    const FourTuple& tuple = line.tuple;
    csv_.value(wall(line.time));
    line.cookie != 0 ? csv_.value(line.cookie) : csv_.null();
    csv_.value(tuple.netns_inum).value(family_name(tuple)).value(line.pid).value(line.comm);
    csv_.value(how_name(line.how)).value(tuple.local.address).value(known_port(tuple.local));
    has_remote(tuple) ? csv_.value(tuple.remote.address) : csv_.null();
    csv_.value(known_port(tuple.remote));
    line.present ? csv_.null() : csv_.value(line.old_state);
    csv_.value(line.new_state).milliseconds(line.time_in_old_state).null().null();
    csv_.milliseconds(early).null();
    return csv_.take_line();
}

std::string_view TraceFormat::format_text(const TraceLine& line, std::optional<MonotonicTime> early)
{
    const FourTuple& tuple = line.tuple;
    const auto port = [](const Endpoint& endpoint) {
        return endpoint.port != 0 ? fmt::format_int(endpoint.port).str() : std::string("-");
    };
    std::vector<std::string> texts;
    texts.reserve(14);
    if (options_.show_clock_time) {
        texts.push_back(format_local_hms(wall(line.time)));
    }
    if (options_.show_seconds) {
        const std::chrono::duration<double> since = line.time - start_;
        texts.push_back(fmt::format("{:.6f}", since.count()));
    }
    texts.push_back(line.cookie != 0 ? fmt::format("{:x}", line.cookie) : "-");
    texts.push_back(line.pid ? std::to_string(*line.pid) : "-");
    texts.push_back(line.comm);
    texts.emplace_back(how_name(line.how));
    texts.push_back(tuple.local.address.text());
    texts.push_back(port(tuple.local));
    texts.push_back(has_remote(tuple) ? tuple.remote.address.text() : "-");
    texts.push_back(port(tuple.remote));
    texts.emplace_back(line.present ? "-" : state_name(line.old_state));
    texts.emplace_back("->");
    texts.emplace_back(state_name(line.new_state));
    texts.push_back(line.time_in_old_state ? format_milliseconds(*line.time_in_old_state) : "-");
    text_.clear();
    rows_.append_row(text_, std::vector<Cell>(texts.begin(), texts.end()));
    if (early) {
        fmt::format_to(std::back_inserter(text_), " # {} earlier", format_duration(*early));
    }
    return text_;
}

std::chrono::system_clock::time_point TraceFormat::wall(MonotonicTime time) const
{
    return std::chrono::time_point_cast<std::chrono::system_clock::duration>(
        timeline_.wall_of_monotonic(time));
}

} // namespace tcpledger
