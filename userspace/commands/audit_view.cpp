// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/audit_view.hpp"

#include "output/escape.hpp"
#include "output/terminal.hpp"
#include "output/wrap.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tcpledger {
namespace {

constexpr std::string_view kIndent = "            ";

std::string upper(std::string_view text)
{
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return out;
}

Style style_of(Severity severity)
{
    switch (severity) {
    case Severity::kInfo:
        return Style::kDim;
    case Severity::kWarning:
        return Style::kWarning;
    case Severity::kCritical:
        return Style::kBad;
    }
    return Style::kPlain;
}

/// "now 128, proposed 256: …" or the reason alone.
std::string change_text(const Advice& advice)
{
    if (advice.present.empty() && advice.proposed.empty()) {
        return advice.why;
    }
    return fmt::format("now {}, proposed {}: {}", advice.present.empty() ? "none" : advice.present,
                       advice.proposed.empty() ? "none" : advice.proposed, advice.why);
}

std::string render_advice(const Advice& advice, std::size_t width)
{
    std::string text = wrap(advice.action, "  advice    ", width);
    text += wrap(change_text(advice), kIndent, width);
    if (!advice.risk.empty() && advice.risk != "none") {
        text += wrap("risk: " + advice.risk, kIndent, width);
    }
    if (!advice.command.empty()) {
        text += fmt::format("{}# {}\n", kIndent, visible(advice.command));
    }
    return text;
}

/// Text that Markdown takes for text: what it would read as markup is escaped.
std::string markdown_text(std::string_view raw)
{
    std::string out;
    for (const char c : visible(raw)) {
        if (std::string_view("\\`*_{}[]<>#|~$&!").find(c) != std::string_view::npos) {
            out += '\\';
        }
        out += c;
    }
    return out;
}

/// Between backquotes; one inside would end it.
std::string markdown_code(std::string_view raw)
{
    std::string out = visible(raw);
    std::ranges::replace(out, '`', '\'');
    return "`" + out + "`";
}

void write_text(JsonWriter& json, std::string_view name, const std::string& text)
{
    text.empty() ? json.null_field(name) : json.field(name, text);
}

void write_endpoint(JsonWriter& json, const char* address, const char* port,
                    const std::optional<Endpoint>& endpoint)
{
    if (endpoint) {
        json.field(address, endpoint->address).field(port, endpoint->port);
    } else {
        json.null_field(address).null_field(port);
    }
}

void write_process(JsonWriter& json, const std::optional<AuditProcess>& process)
{
    json.key("process");
    if (!process) {
        json.null();
        return;
    }
    json.begin_object();
    process->pid != 0 ? json.field("pid", process->pid) : json.null_field("pid");
    json.field("comm", process->comm);
    write_text(json, "command_line", process->command_line);
    write_text(json, "container", process->container);
    if (process->running_for) {
        json.field("running_ms", process->running_for->count());
    } else {
        json.null_field("running_ms");
    }
    json.field("fds_used", process->descriptors_used);
    json.field("fd_limit", process->descriptor_limit);
    json.end_object();
}

} // namespace

std::size_t page_width(int fd)
{
    constexpr std::size_t kNarrowest = 50;
    constexpr std::size_t kWidest = 100;
    return std::clamp(terminal_size(fd).columns, kNarrowest, kWidest);
}

std::string render_finding(const Finding& finding, const Painter& painter, std::size_t width)
{
    const std::string head = fmt::format("{:<8}  ", upper(severity_name(finding.severity)));
    const std::string title = wrap(finding.title, head, width);
    std::string text =
        painter.paint(std::string_view(title).substr(0, head.size()), style_of(finding.severity));
    text += std::string_view(title).substr(std::min(head.size(), title.size()));
    text += wrap(finding.evidence, "  evidence  ", width);
    if (finding.process && !finding.process->command_line.empty()) {
        text += wrap(finding.process->command_line, "  program   ", width);
    }
    text += wrap(finding.meaning, "  meaning   ", width);
    for (const Advice& advice : finding.advice) {
        text += render_advice(advice, width);
    }
    return text;
}

std::string markdown_finding(const Finding& finding)
{
    std::string text = fmt::format("### {}: {}\n\n", severity_name(finding.severity),
                                   markdown_text(finding.title));
    text += fmt::format("- **Evidence**: {}\n", markdown_text(finding.evidence));
    if (finding.process && !finding.process->command_line.empty()) {
        text +=
            fmt::format("- **Command line**: {}\n", markdown_code(finding.process->command_line));
    }
    text += fmt::format("- **Meaning**: {}\n", markdown_text(finding.meaning));
    for (const Advice& advice : finding.advice) {
        text += fmt::format("- **Advice**: {}. {}.", markdown_text(advice.action),
                            markdown_text(change_text(advice)));
        if (!advice.risk.empty() && advice.risk != "none") {
            text += fmt::format(" Risk: {}.", markdown_text(advice.risk));
        }
        if (!advice.command.empty()) {
            text += " " + markdown_code(advice.command);
        }
        text += '\n';
    }
    return text;
}

std::string summary(std::span<const Finding> findings)
{
    if (findings.empty()) {
        return "no finding";
    }
    std::string text =
        fmt::format("{} finding{}", findings.size(), findings.size() == 1 ? "" : "s");
    const char* separator = ": ";
    for (const Severity severity : {Severity::kCritical, Severity::kWarning, Severity::kInfo}) {
        const auto count = std::ranges::count(findings, severity, &Finding::severity);
        if (count > 0) {
            text += fmt::format("{}{} {}", separator, count, severity_name(severity));
            separator = ", ";
        }
    }
    return text;
}

void write_findings(JsonWriter& json, std::span<const Finding> findings)
{
    json.key("findings").begin_array();
    for (const Finding& finding : findings) {
        json.begin_object().field("id", finding.id);
        json.field("severity", severity_name(finding.severity)).field("title", finding.title);
        json.field("netns", finding.netns);
        write_process(json, finding.process);
        write_endpoint(json, "local_address", "local_port", finding.local);
        write_endpoint(json, "remote_address", "remote_port", finding.remote);
        json.key("numbers").begin_object();
        for (const auto& [name, number] : finding.numbers) {
            json.field(name, number);
        }
        json.end_object();
        json.field("evidence", finding.evidence).field("meaning", finding.meaning);
        json.key("advice").begin_array();
        for (const Advice& advice : finding.advice) {
            json.begin_object().field("action", advice.action);
            write_text(json, "sysctl", advice.sysctl);
            write_text(json, "present", advice.present);
            write_text(json, "proposed", advice.proposed);
            write_text(json, "why", advice.why);
            write_text(json, "risk", advice.risk);
            write_text(json, "command", advice.command);
            json.end_object();
        }
        json.end_array().end_object();
    }
    json.end_array();
}

} // namespace tcpledger
