// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/cli_inspect.hpp"

#include "commands/duration.hpp"

#include <fmt/format.h>

namespace tcpledger {
namespace {

void add_netns(CLI::App& command, std::optional<std::string>& netns)
{
    command.add_option("-N,--net", netns, "all, self, a namespace's name or inode number");
}

/// Puts seconds in place of what was typed.
std::string read_interval(std::string& text)
{
    constexpr double kShortest = 0.1;
    constexpr double kLongest = 600.0;
    const auto seconds = parse_seconds(text);
    if (!seconds || *seconds < kShortest || *seconds > kLongest) {
        return "no interval \"" + text + "\"; 100ms to 10m, 2s and the like";
    }
    text = fmt::format("{}", *seconds);
    return {};
}

void add_interval(CLI::App& command, double& seconds)
{
    command.add_option("--for", seconds, "time between the two looks (default 2s)")
        ->transform(CLI::Validator(read_interval, "DURATION"));
}

std::chrono::milliseconds to_milliseconds(double seconds)
{
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000.0));
}

} // namespace

InspectionCli::InspectionCli(CLI::App& app)
{
    add_listen(app);
    add_audit(app);
    add_report(app);
}

void InspectionCli::add_common(CLI::App& command)
{
    command.add_flag("-j,--json", json_, "JSON instead of text");
    command.add_option("--color", color_, "auto, always or never")
        ->check(CLI::IsMember({"auto", "always", "never"}));
}

CommonOptions InspectionCli::common() const
{
    CommonOptions common;
    common.json = json_;
    common.color = parse_color_mode(color_).value_or(ColorMode::kAuto);
    return common;
}

void InspectionCli::add_listen(CLI::App& app)
{
    CLI::App& listen =
        *app.add_subcommand("listen", "who listens: owners, sharers, queues, refusals");
    listen_app_ = &listen;
    add_common(listen);
    add_netns(listen, listen_.netns);
    listen.add_flag("-t,--tcp", listen_.tcp, "TCP (the default)");
    listen.add_flag("-u,--udp", listen_.udp, "UDP sockets that await anybody's datagrams");
    auto* ipv4 = listen.add_flag("-4,--ipv4", listen_.only_ipv4, "only IPv4");
    listen.add_flag("-6,--ipv6", listen_.only_ipv6, "only IPv6 (dual-stack included)")
        ->excludes(ipv4);
    listen.add_flag("-H,--no-header", listen_.no_header, "no header line and no counters");
    listen.add_flag("--csv", listen_.csv, "comma-separated values");
    // What ss's users type by habit and what is so anyway here:
    listen.add_flag_callback("-l,--listening", [] {}, "listening sockets (always)");
    listen.add_flag_callback("-n,--numeric", [] {}, "numbers, not names (always)");
    listen.add_flag_callback("-p,--processes", [] {}, "owner and sharers (always)");
    listen.footer("Examples:\n"
                  "  tcpledger listen\n"
                  "  tcpledger listen -tulnp\n"
                  "  tcpledger listen --json | jq '.listeners[] | select(.reach==\"any\")'");
}

void InspectionCli::add_audit(CLI::App& app)
{
    CLI::App& audit = *app.add_subcommand("audit", "what is wrong: evidence, meaning and advice");
    audit_app_ = &audit;
    add_common(audit);
    add_netns(audit, audit_.netns);
    add_interval(audit, interval_s_);
    audit.add_option("--fail-on", fail_on_, "status 4 with such a finding: warning or critical")
        ->check(CLI::IsMember({"warning", "critical"}));
    audit.footer("Examples:\n"
                 "  tcpledger audit\n"
                 "  tcpledger audit --fail-on critical --for 10 || page-somebody\n"
                 "  tcpledger audit --json | jq -r '.findings[].title'");
}

void InspectionCli::add_report(CLI::App& app)
{
    CLI::App& report = *app.add_subcommand("report", "all of it once, on one page for a ticket");
    report_app_ = &report;
    add_common(report);
    add_netns(report, report_.netns);
    add_interval(report, interval_s_);
    report.add_flag("--markdown", report_.markdown, "Markdown instead of plain text");
    report.footer("Examples:\n"
                  "  tcpledger report > ticket.txt\n"
                  "  tcpledger report --markdown\n"
                  "  tcpledger report --json | jq .most.CLOSE_WAIT");
}

std::optional<Command> InspectionCli::parsed() const
{
    if (report_app_->parsed()) {
        ReportOptions options = report_;
        options.common = common();
        options.interval = to_milliseconds(interval_s_);
        return options;
    }
    if (audit_app_->parsed()) {
        AuditOptions options = audit_;
        options.common = common();
        options.interval = to_milliseconds(interval_s_);
        if (!fail_on_.empty()) {
            options.fail_on = fail_on_ == "warning" ? Severity::kWarning : Severity::kCritical;
        }
        return options;
    }
    if (listen_app_->parsed()) {
        ListenOptions options = listen_;
        options.common = common();
        return options;
    }
    return std::nullopt;
}

} // namespace tcpledger
