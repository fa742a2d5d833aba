// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/top_view.hpp"

#include "commands/distribution.hpp"
#include "commands/state_fields.hpp"
#include "output/format.hpp"
#include "output/table.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace tcpledger {
namespace {

/// The bound on remembered processes; beyond it the memory starts anew.

struct StateColumn {
    TcpState state;
    const char* header;
};

constexpr StateColumn kStateColumns[] = {
    {TcpState::kEstablished, "ESTAB"}, {TcpState::kSynSent, "SYNSENT"},
    {TcpState::kSynRecv, "SYNRECV"},   {TcpState::kFinWait1, "FINW1"},
    {TcpState::kFinWait2, "FINW2"},    {TcpState::kTimeWait, "TIMEW"},
    {TcpState::kCloseWait, "CLOSEW"},  {TcpState::kLastAck, "LASTACK"},
    {TcpState::kClosing, "CLOSING"},   {TcpState::kListen, "LISTEN"},
};

double per_second(std::uint64_t number, std::chrono::milliseconds interval)
{
    return interval.count() > 0
               ? static_cast<double>(number) * 1000.0 / static_cast<double>(interval.count())
               : 0.0;
}

std::string head(const TopReport& report)
{
    const LedgerCounters& counters = report.overview.counters;
    std::string text = fmt::format(
        "tcpledger {}  {} connections  {} transitions/s  {} opened/s  {} closed/s  lost {}  drift "
        "{}",
        format_local_hms(
            std::chrono::time_point_cast<std::chrono::system_clock::duration>(report.time.wall)),
        format_count(report.overview.connections),
        format_rate(per_second(counters.transitions, report.interval)),
        format_rate(per_second(counters.opened, report.interval)),
        format_rate(per_second(counters.closed, report.interval)), format_count(report.lost),
        format_count(report.drift));
    text += "\n";
    std::string totals;
    for (const TcpState state : kShownStates) {
        const std::uint32_t count = report.overview.states[static_cast<std::size_t>(state)];
        if (count > 0) {
            totals += fmt::format("{}{} {}", totals.empty() ? "" : "  ", state_name(state),
                                  format_count(count));
        }
    }
    return text + (totals.empty() ? "no TCP sockets" : totals) + "\n";
}

std::string count_or_dot(std::uint64_t count)
{
    return count > 0 ? format_count(count) : "·";
}

std::vector<Column> columns(bool with_container)
{
    std::vector<Column> columns = {{"PID", Align::kRight}, {"COMMAND"}};
    if (with_container) {
        columns.push_back({.header = "CONTAINER", .shrinks = true});
    }
    columns.push_back({"TOTAL", Align::kRight});
    for (const StateColumn& column : kStateColumns) {
        columns.push_back({column.header, Align::kRight});
    }
    for (const char* header : {"OPEN/s", "CLOSE/s", "OLDEST-CW"}) {
        columns.push_back({header, Align::kRight});
    }
    return columns;
}

} // namespace

std::string render_text(const TopReport& report, const Painter& painter, std::size_t width)
{
    const bool with_container =
        std::ranges::any_of(report.containers, [](const auto& name) { return !name.empty(); });
    Table table(columns(with_container));
    for (std::size_t i = 0; i < report.overview.processes.size(); ++i) {
        const ProcessOverview& process = report.overview.processes[i];
        std::vector<std::string> texts = {process.key ? std::to_string(process.key->pid) : "-",
                                          process.comm + (process.exited ? " (exited)" : "")};
        if (with_container) {
            texts.push_back(report.containers[i].empty() ? "-" : report.containers[i]);
        }
        texts.push_back(format_count(process.connections));
        const std::size_t first_state = texts.size();
        for (const StateColumn& column : kStateColumns) {
            texts.push_back(count_or_dot(process.states[static_cast<std::size_t>(column.state)]));
        }
        texts.push_back(format_rate(per_second(process.opened, report.interval)));
        texts.push_back(format_rate(per_second(process.closed, report.interval)));
        texts.push_back(process.oldest_close_wait
                            ? format_age(*process.oldest_close_wait, process.oldest_is_lower_bound)
                            : "·");
        std::vector<Cell> cells(texts.begin(), texts.end());
        for (std::size_t k = 0; k < std::size(kStateColumns); ++k) {
            const bool some = texts[first_state + k] != "·";
            cells[first_state + k].style = some ? style_of(kStateColumns[k].state) : Style::kDim;
        }
        table.add_row(cells);
    }
    return head(report) + "\n" + table.render(painter, width);
}

void write_json(JsonWriter& json, const TopReport& report)
{
    const Overview& overview = report.overview;
    json.begin_object().field("version", 1);
    json.field("time",
               std::chrono::time_point_cast<std::chrono::system_clock::duration>(report.time.wall));
    json.field("interval_ms", report.interval.count());
    json.key("totals").begin_object();
    json.field("connections", overview.connections).field("unknown", overview.unknown);
    write_states(json, overview.states);
    json.field("opened", overview.counters.opened);
    json.field("closed", overview.counters.closed);
    json.field("transitions", overview.counters.transitions);
    json.field("lost", report.lost);
    json.field("drift", report.drift);
    if (overview.dwells) {
        write_dwells(json, *overview.dwells);
    }
    json.end_object();
    json.key("processes").begin_array();
    const Timeline timeline(report.time, user_hz());
    for (std::size_t i = 0; i < overview.processes.size(); ++i) {
        const ProcessOverview& process = overview.processes[i];
        json.begin_object();
        if (process.key) {
            json.field("pid", process.key->pid);
            json.field("start_time",
                       std::chrono::time_point_cast<std::chrono::system_clock::duration>(
                           timeline.wall_of_ticks(process.key->start_ticks)));
        } else {
            json.null_field("pid").null_field("start_time");
        }
        json.field("comm", process.comm);
        json.key("container");
        report.containers[i].empty() ? json.null() : json.value(report.containers[i]);
        write_states(json, process.states);
        json.field("opened", process.opened).field("closed", process.closed);
        json.milliseconds_field("oldest_close_wait_ms", process.oldest_close_wait);
        json.field("oldest_is_lower_bound", process.oldest_is_lower_bound);
        json.field("exited", process.exited);
        if (overview.dwells) {
            write_dwells(json, process.dwells.value_or(Dwells()));
        }
        json.end_object();
    }
    json.end_array().end_object();
}

} // namespace tcpledger
