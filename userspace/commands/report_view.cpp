// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/report_view.hpp"

#include "commands/audit_view.hpp"
#include "commands/churn_view.hpp"
#include "commands/listen_view.hpp"
#include "commands/state_fields.hpp"
#include "output/escape.hpp"
#include "output/format.hpp"
#include "output/table.hpp"

#include <fmt/format.h>

namespace tcpledger {
namespace {

constexpr std::size_t kTableWidth = 100; ///< of Markdown, which no terminal limits

std::string known(std::optional<std::uint64_t> number)
{
    return number ? format_count(*number) : "-";
}

std::string render_head(const ReportPage& page)
{
    const HostFacts& host = page.host;
    std::string text =
        fmt::format("tcpledger report, {}\n", format_rfc3339_us(page.time).substr(0, 19) + "Z");
    text += fmt::format("host      {}, {} {}, {} CPU{}, up {}\n", visible(host.name),
                        visible(host.kernel), visible(host.architecture), host.cpus,
                        host.cpus == 1 ? "" : "s", format_duration(host.uptime));
    text +=
        fmt::format("looked    twice within {}: {} TCP socket{}\n", format_duration(page.interval),
                    format_count(page.total), page.total == 1 ? "" : "s");
    return text + fmt::format("audit     {}\n", summary(page.findings));
}

std::string render_balance(const ReportPage& page, const Painter& painter)
{
    Table table({{"NETNS", Align::kRight},
                 {"NAME"},
                 {"IN USE", Align::kRight},
                 {"KERNEL", Align::kRight},
                 {"TIME_WAIT", Align::kRight},
                 {"KERNEL", Align::kRight}});
    for (const NetnsBalance& entry : page.balance) {
        table.add_row({std::to_string(entry.inum),
                       entry.own            ? "(here)"
                       : entry.name.empty() ? std::string("-")
                                            : entry.name,
                       format_count(entry.in_use), known(entry.kernel_in_use),
                       format_count(entry.time_wait), known(entry.kernel_time_wait)});
    }
    return table.render(painter);
}

std::string render_states(const ReportPage& page, const Painter& painter)
{
    Table table({{"STATE"}, {"COUNT", Align::kRight}, {"PERCENT", Align::kRight}});
    for (const TcpState state : kShownStates) {
        const std::uint32_t count = page.states[static_cast<std::size_t>(state)];
        if (count > 0) {
            table.add_row({Cell(state_name(state), style_of(state)), format_count(count),
                           format_percent(count, page.total)});
        }
    }
    return table.row_count() > 0 ? table.render(painter) : "no TCP sockets\n";
}

std::string render_processes(const std::vector<ProcessCount>& processes, const Painter& painter,
                             std::size_t width)
{
    Table table({{"PID", Align::kRight},
                 {"COMMAND"},
                 {"COUNT", Align::kRight},
                 {"FDS", Align::kRight},
                 {"UP", Align::kRight},
                 {.header = "COMMAND LINE", .shrinks = true}});
    for (const ProcessCount& entry : processes) {
        if (!entry.process) {
            table.add_row({"-", "[unknown]", format_count(entry.count), "-", "-", ""});
            continue;
        }
        const AuditProcess& process = *entry.process;
        const std::string used =
            process.descriptors_used
                ? fmt::format("{}/{}", *process.descriptors_used, known(process.descriptor_limit))
                : "-";
        table.add_row({process.pid != 0 ? std::to_string(process.pid) : "-", process.comm,
                       format_count(entry.count), used,
                       process.running_for ? format_duration(*process.running_for) : "-",
                       process.command_line});
    }
    return table.render(painter, width);
}

std::string render_services(const ReportPage& page, const Painter& painter)
{
    Table table({{"SERVICE"}, {"SIDE"}, {"COUNT", Align::kRight}});
    for (const ServiceCount& entry : page.time_wait_services) {
        table.add_row({entry.service.text(), entry.here ? "listens here" : "remote",
                       format_count(entry.count)});
    }
    return table.render(painter);
}

/// Calls section(title, text) for each table of the page.
template <typename Section>
void each_table(const ReportPage& page, const Painter& painter, std::size_t width,
                const Section& section)
{
    section("Balance: what the dump lists, what the kernel counts", render_balance(page, painter));
    section("States", render_states(page, painter));
    for (std::size_t at = 0; at < kRankedStates.size(); ++at) {
        if (!page.processes[at].empty()) {
            section(fmt::format("Most {} by process", state_name(kRankedStates[at])),
                    render_processes(page.processes[at], painter, width));
        }
    }
    if (!page.time_wait_services.empty()) {
        section("Most TIME_WAIT by service", render_services(page, painter));
    }
    const std::string listeners = page.inventory.listeners.empty()
                                      ? "no listeners\n"
                                      : render_listeners(page.inventory, painter, 0, true);
    const std::string drops = render_drops(page.inventory, painter);
    section("Listeners", listeners + (drops.empty() ? "" : "\n" + drops));
    if (page.churn) {
        section("Churn: what came and went between the looks",
                render_churn_body(*page.churn, painter, width));
    }
}

void write_process(JsonWriter& json, const ProcessCount& entry)
{
    json.begin_object();
    const std::optional<AuditProcess>& process = entry.process;
    process && process->pid != 0 ? json.field("pid", process->pid) : json.null_field("pid");
    json.field("comm", process ? process->comm : std::string("[unknown]"));
    process && !process->command_line.empty() ? json.field("command_line", process->command_line)
                                              : json.null_field("command_line");
    process && !process->container.empty() ? json.field("container", process->container)
                                           : json.null_field("container");
    json.field("fds_used", process ? process->descriptors_used : std::nullopt);
    json.field("fd_limit", process ? process->descriptor_limit : std::nullopt);
    process && process->running_for ? json.field("running_ms", process->running_for->count())
                                    : json.null_field("running_ms");
    json.field("count", entry.count).end_object();
}

void write_balance(JsonWriter& json, const ReportPage& page)
{
    json.key("balance").begin_array();
    for (const NetnsBalance& entry : page.balance) {
        json.begin_object().field("netns", entry.inum);
        entry.name.empty() ? json.null_field("name") : json.field("name", entry.name);
        json.field("in_use", entry.in_use).field("kernel_in_use", entry.kernel_in_use);
        json.field("time_wait", entry.time_wait);
        json.field("kernel_time_wait", entry.kernel_time_wait).end_object();
    }
    json.end_array();
}

} // namespace

std::string render_report(const ReportPage& page, const Painter& painter, std::size_t width)
{
    std::string text = render_head(page);
    each_table(page, painter, width, [&](const std::string& title, const std::string& table) {
        text += "\n" + painter.paint(title, Style::kHeader) + "\n" + table;
    });
    text += "\n" + painter.paint("Findings and advice", Style::kHeader) + "\n";
    if (page.findings.empty()) {
        text += "no finding\n";
    }
    const char* separator = "";
    for (const Finding& finding : page.findings) {
        text += separator + render_finding(finding, painter, width);
        separator = "\n";
    }
    return text;
}

std::string markdown_report(const ReportPage& page)
{
    const Painter plain(false);
    std::string text = "# tcpledger report\n\n```text\n" + render_head(page) + "```\n";
    each_table(page, plain, kTableWidth, [&](const std::string& title, const std::string& table) {
        text += fmt::format("\n## {}\n\n```text\n{}```\n", title, table);
    });
    text += "\n## Findings and advice\n";
    if (page.findings.empty()) {
        text += "\nno finding\n";
    }
    for (const Finding& finding : page.findings) {
        text += "\n" + markdown_finding(finding);
    }
    return text;
}

void write_json(JsonWriter& json, const ReportPage& page)
{
    json.begin_object().field("version", 1).field("time", page.time);
    json.field("interval_ms", page.interval.count());
    json.key("host").begin_object().field("name", page.host.name);
    json.field("kernel", page.host.kernel).field("architecture", page.host.architecture);
    json.field("cpus", page.host.cpus);
    json.milliseconds_field("uptime_ms", page.host.uptime).end_object();
    write_balance(json, page);
    json.field("total", page.total);
    write_states(json, page.states);
    json.key("most").begin_object();
    for (std::size_t at = 0; at < kRankedStates.size(); ++at) {
        json.key(state_name(kRankedStates[at])).begin_array();
        for (const ProcessCount& entry : page.processes[at]) {
            write_process(json, entry);
        }
        json.end_array();
    }
    json.end_object();
    json.key("time_wait_services").begin_array();
    for (const ServiceCount& entry : page.time_wait_services) {
        json.begin_object().field("address", entry.service.address);
        json.field("port", entry.service.port).field("here", entry.here);
        json.field("count", entry.count).end_object();
    }
    json.end_array();
    write_inventory_members(json, page.inventory);
    write_findings(json, page.findings);
    json.key("churn");
    page.churn ? write_json(json, *page.churn, page.time) : static_cast<void>(json.null());
    json.end_object();
}

} // namespace tcpledger
