// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/exec_view.hpp"

#include "commands/distribution.hpp"
#include "commands/stack_view.hpp"
#include "output/escape.hpp"
#include "output/format.hpp"
#include "output/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

namespace tcpledger {
namespace {

constexpr std::size_t kShownRemotes = 10;
constexpr std::size_t kShownProcesses = 20;
constexpr std::size_t kStackColumns = 100;

constexpr std::array kEndings = {
    Ending::kLocal,       Ending::kRemote,       Ending::kBoth,    Ending::kResetReceived,
    Ending::kResetSent,   Ending::kTimeout,      Ending::kRefused, Ending::kUnreachable,
    Ending::kInterrupted, Ending::kAborted,      Ending::kKilled,  Ending::kDestroyed,
    Ending::kError,       Ending::kNeverAccepted};

std::string command_text(const std::vector<std::string>& command)
{
    std::string text;
    for (const std::string& word : command) {
        text += text.empty() ? word : " " + word;
    }
    return visible(text);
}

std::string line(std::uint64_t count, const std::string& what)
{
    return fmt::format("{:>14}  {}\n", format_count(count), what);
}

/// "  (3 refused, 1 timeout)"
std::string endings_text(const ExecFigures& figures, bool failures)
{
    std::string text;
    for (const Ending ending : kEndings) {
        const auto found = figures.endings.find(ending);
        if (found != figures.endings.end() && is_failure(ending) == failures) {
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", format_count(found->second),
                                ending_name(ending));
        }
    }
    return text.empty() ? "" : " (" + text + ")";
}

std::string render_processes(const ExecReport& report)
{
    std::vector<std::pair<ProcessKey, const ExecBook::OfProcess*>> most;
    most.reserve(report.book.processes().size());
    for (const auto& [key, process] : report.book.processes()) {
        most.emplace_back(key, &process);
    }
    std::ranges::stable_sort(most, std::ranges::greater(), [](const auto& each) {
        return std::pair(each.second->figures.unclosed,
                         each.second->figures.opened + each.second->figures.accepted);
    });
    Table table({{"PID", Align::kRight},
                 {"COMM", Align::kLeft},
                 {"OPENED", Align::kRight},
                 {"ACCEPTED", Align::kRight},
                 {"FAILED", Align::kRight},
                 {"UNCLOSED", Align::kRight}});
    for (std::size_t at = 0; at < std::min(most.size(), kShownProcesses); ++at) {
        const auto& [key, process] = most[at];
        const ExecFigures& figures = process->figures;
        table.add_row({std::to_string(key.pid), process->comm, format_count(figures.opened),
                       format_count(figures.accepted), format_count(figures.failed()),
                       format_count(figures.unclosed)});
    }
    const std::string text = most.empty() ? "" : "\n" + table.render(Painter());
    return text + (most.size() > kShownProcesses
                       ? fmt::format("{} more\n", format_count(most.size() - kShownProcesses))
                       : "");
}

std::string render_remotes(const ExecReport& report)
{
    std::vector<std::pair<std::uint64_t, Endpoint>> most;
    most.reserve(report.book.remotes().size());
    for (const auto& [remote, count] : report.book.remotes()) {
        most.emplace_back(count, remote);
    }
    std::ranges::stable_sort(most, std::ranges::greater(),
                             &std::pair<std::uint64_t, Endpoint>::first);
    std::string text;
    for (std::size_t at = 0; at < std::min(most.size(), kShownRemotes); ++at) {
        text += line(most[at].first, "to " + most[at].second.text());
    }
    return text.empty() ? text : "\n" + text;
}

void write_figures(JsonWriter& json, const ExecFigures& figures)
{
    json.field("opened", figures.opened).field("accepted", figures.accepted);
    json.field("failed", figures.failed()).field("unclosed", figures.unclosed);
    json.field("leaked", figures.leaked);
    json.field("bytes_sent", figures.bytes_sent).field("bytes_received", figures.bytes_received);
    json.key("closed_by").begin_object();
    for (const auto& [ending, count] : figures.endings) {
        json.field(ending_name(ending), count);
    }
    json.end_object();
}

} // namespace

std::uint64_t count_of(const ExecFigures& figures, std::string_view what)
{
    if (what == "unclosed") {
        return figures.unclosed;
    }
    if (what == "leak") {
        return figures.leaked;
    }
    if (what == "failed") {
        return figures.failed();
    }
    const auto* const ending = std::ranges::find(kEndings, what, ending_name);
    const auto found =
        ending != kEndings.end() ? figures.endings.find(*ending) : figures.endings.end();
    return found != figures.endings.end() ? found->second : 0;
}

std::vector<std::string> exec_findings()
{
    std::vector<std::string> names = {"leak", "unclosed", "failed"};
    for (const Ending ending : kEndings) {
        if (is_failure(ending)) {
            names.emplace_back(ending_name(ending));
        }
    }
    return names;
}

std::string render_text(const ExecReport& report)
{
    const ExecFigures& total = report.book.total();
    std::string text =
        fmt::format("\nConnections of '{}' and its children: {}, status {}\n\n",
                    command_text(report.command), format_duration(report.took), report.status);
    text += line(total.opened, "opened");
    text += line(total.accepted, "accepted");
    text += line(total.failed(), "failed" + endings_text(total, true));
    text += line(total.ended_well(), "ended well" + endings_text(total, false));
    text += line(total.unclosed,
                 "left unclosed at exit" +
                     (total.leaked > 0 ? fmt::format(" ({} of them closed by the peer before)",
                                                     format_count(total.leaked))
                                       : std::string()));
    if (report.book.still_open() > 0) {
        text += line(report.book.still_open(), "still open: a child goes on");
    }
    text += line(report.book.peak(), "open at once, at most");
    if (!report.book.lifetimes().empty()) {
        const std::vector<std::string> cells = quantile_cells(report.book.lifetimes());
        text += fmt::format("{:>14}  median lifetime; p90 {}, p99 {}, longest {}\n", cells[0],
                            cells[1], cells[2], cells[3]);
    }
    text += render_remotes(report) + render_processes(report);
    if (!report.stacks.empty()) {
        text += "\nWhere those left unclosed were opened:\n" +
                render_stacks(report.stacks, report.without_stack, "  ", kStackColumns);
    }
    if (report.lost > 0) {
        text += fmt::format("\n{} events were lost: the figures are too low\n",
                            format_count(report.lost));
    }
    return text;
}

void write_json(JsonWriter& json, const ExecReport& report)
{
    json.begin_object().field("version", 1).key("command").begin_array();
    for (const std::string& word : report.command) {
        json.value(word);
    }
    json.end_array().field("status", report.status);
    json.milliseconds_field("duration_ms", report.took);
    write_figures(json, report.book.total());
    json.field("still_open", report.book.still_open()).field("peak", report.book.peak());
    json.field("lost", report.lost).key("lifetimes");
    write_distribution(json, report.book.lifetimes(), false);
    json.key("remotes").begin_array();
    for (const auto& [remote, count] : report.book.remotes()) {
        json.begin_object().field("address", remote.address).field("port", remote.port);
        json.field("count", count).end_object();
    }
    json.end_array().key("processes").begin_array();
    for (const auto& [key, process] : report.book.processes()) {
        json.begin_object().field("pid", key.pid).field("comm", process.comm);
        write_figures(json, process.figures);
        json.end_object();
    }
    json.end_array();
    write_stacks(json, report.stacks, report.without_stack);
    json.end_object();
}

} // namespace tcpledger
