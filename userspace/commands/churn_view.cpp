// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/churn_view.hpp"

#include "commands/churn_words.hpp"
#include "commands/distribution.hpp"
#include "output/format.hpp"
#include "output/table.hpp"
#include "output/wrap.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace tcpledger {
namespace {

constexpr std::size_t kBarColumns = 40;

/// "2s", "1.50s"
std::string period_text(std::chrono::nanoseconds period)
{
    return period % std::chrono::seconds(1) == std::chrono::nanoseconds(0) ? format_duration(period)
                                                                           : format_latency(period);
}

double per_second(std::uint64_t number, std::chrono::nanoseconds watched)
{
    const std::chrono::duration<double> seconds = watched;
    return seconds.count() > 0 ? static_cast<double>(number) / seconds.count() : 0;
}

std::string rate(std::uint64_t number, const ChurnReport& report)
{
    return format_rate(per_second(number, report.watched));
}

/// "98.4%" of those whose lifetime is known; "-" of nothing.
std::string unseen(const ChurnFigures& figures)
{
    return figures.lifetimes.empty()
               ? "-"
               : fmt::format("{:.1f}%", 100.0 * figures.unseen /
                                            static_cast<double>(figures.lifetimes.count()));
}

std::uint64_t mean(std::uint64_t sum, std::uint64_t of)
{
    return of > 0 ? (sum + of / 2) / of : 0;
}

/// "12 refused, 3 timeout".
std::string endings(const ChurnFigures& figures, bool failures)
{
    std::string text;
    for (std::size_t at = 0; at < kEndings; ++at) {
        const auto ending = static_cast<Ending>(at);
        if (is_failure(ending) == failures && figures.endings[at] > 0) {
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ",
                                format_count(figures.endings[at]), ending_name(ending));
        }
    }
    return text;
}

std::string render_counts(const ChurnReport& report, std::size_t width)
{
    const ChurnFigures& total = report.total;
    std::string text;
    const auto line = [&](const char* name, std::uint64_t number, const std::string& more) {
        const std::string first =
            fmt::format("{:<9} {:>10} {:>8}/s", name, format_count(number), rate(number, report));
        text += more.empty() ? first + "\n" : wrap(more, first + "  ", width);
    };
    line("opened", total.opened,
         fmt::format("{} outgoing, {} incoming", format_count(total.opened - total.incoming),
                     format_count(total.incoming)));
    line("closed", total.closed, endings(total, false));
    line("failed", total.failed, "never established");
    line("aborted", total.aborted,
         total.failed + total.aborted > 0 ? "failed and aborted: " + endings(total, true)
                                          : std::string());
    return text;
}

std::string render_costs(const ChurnReport& report, std::size_t width)
{
    const ChurnFigures& total = report.total;
    std::string text = "\n";
    const auto line = [&](const char* name, const std::string& says) {
        text += wrap(says, fmt::format("{:<10} ", name), width);
    };
    const auto quantiles = quantile_cells(total.lifetimes);
    line("lifetime", fmt::format("median {}, p90 {}, p99 {}, max {}{}", quantiles[0], quantiles[1],
                                 quantiles[2], quantiles[3],
                                 total.older > 0 ? fmt::format("; {} closed that were older than "
                                                               "this watch, not among them",
                                                               format_count(total.older))
                                                 : ""));
    line("unseen", fmt::format("{} of what closed: a poll every {} would never have seen it",
                               unseen(total), period_text(report.poll)));
    line("reuse", fmt::format("{} of {} outgoing ({}) would have been spared by keeping idle "
                              "connections for {}",
                              format_count(total.spared), format_count(total.connects),
                              format_percent(total.spared, total.connects),
                              format_duration(ReusePool::kKeepAlive)));
    const std::uint64_t carried = total.closed - total.failed;
    line("bytes", fmt::format("{} sent, {} received by a connection",
                              format_bytes(mean(total.bytes_sent, carried)),
                              format_bytes(mean(total.bytes_received, carried))));
    line("TIME_WAIT", fmt::format("{} left here, {}/s: {} stand at this rate",
                                  format_count(total.time_waits), rate(total.time_waits, report),
                                  format_count(static_cast<std::uint64_t>(std::llround(
                                      60 * per_second(total.time_waits, report.watched))))));
    return text;
}

std::string render_dwells(const Dwells& dwells, const Painter& painter)
{
    Table table({{"TIME IN"},
                 {"COUNT", Align::kRight},
                 {"MEDIAN", Align::kRight},
                 {"P90", Align::kRight},
                 {"P99", Align::kRight},
                 {"MAX", Align::kRight}});
    const auto add = [&](std::string_view name, const DwellHistogram& histogram, Style style) {
        if (!histogram.empty()) {
            const auto cells = quantile_cells(histogram);
            table.add_row({Cell(name, style), format_count(histogram.count()), cells[0], cells[1],
                           cells[2], cells[3]});
        }
    };
    for (const TcpState state : kShownStates) {
        add(state_name(state), dwells.states[static_cast<std::size_t>(state)], style_of(state));
    }
    add("connect()", dwells.connect, Style::kPlain);
    add("accept queue", dwells.accept_wait, Style::kPlain);
    return table.row_count() > 0 ? "\n" + table.render(painter) : "";
}

std::string row_name(const ChurnReport& report, const ChurnKey& key, std::uint64_t processes)
{
    switch (report.by) {
    case ChurnGrouping::kProcess:
        return actor_text(key.actor, processes);
    case ChurnGrouping::kRemote:
        return key.outgoing ? "to " + key.endpoint.text() : "from " + key.endpoint.address.text();
    case ChurnGrouping::kPort:
        return fmt::format("{} {}", key.outgoing ? "to" : "on", key.endpoint.port);
    case ChurnGrouping::kContainer:
        return key.container.empty() ? "-" : key.container;
    }
    return {};
}

const char* row_header(ChurnGrouping by)
{
    switch (by) {
    case ChurnGrouping::kProcess:
        return "PROCESS";
    case ChurnGrouping::kRemote:
        return "REMOTE";
    case ChurnGrouping::kPort:
        return "PORT";
    case ChurnGrouping::kContainer:
        return "CONTAINER";
    }
    return "";
}

std::string render_rows(const ChurnReport& report, const Painter& painter, std::size_t width)
{
    std::vector<Column> columns = {{.header = row_header(report.by), .shrinks = true}};
    for (const char* header : {"OPEN/s", "CLOSE/s", "FAILED", "MEDIAN", "P90", "P99", "MAX",
                               "UNSEEN", "REUSE", "TIMEW"}) {
        columns.push_back({header, Align::kRight});
    }
    Table table(columns);
    const auto add = [&](const std::string& name, const ChurnFigures& figures) {
        std::vector<std::string> texts = {name, rate(figures.opened, report),
                                          rate(figures.closed, report),
                                          format_count(figures.failed)};
        for (std::string& cell : quantile_cells(figures.lifetimes)) {
            texts.push_back(std::move(cell));
        }
        texts.push_back(unseen(figures));
        texts.push_back(format_percent(figures.spared, figures.connects));
        texts.push_back(format_count(figures.time_waits));
        table.add_row(std::vector<Cell>(texts.begin(), texts.end()));
    };
    for (const ChurnRow& row : report.rows) {
        add(row_name(report, row.key, row.group.figures.processes), row.group.figures);
    }
    if (report.others.weight() > 0) {
        add(report.folded > 0 ? "[others]"
                              : fmt::format("[others] ({})", format_count(report.hidden)),
            report.others.figures);
    }
    return table.row_count() > 0 ? "\n" + table.render(painter, width) : "";
}

std::string render_ports(const ChurnReport& report, const Painter& painter, std::size_t width)
{
    Table table({{.header = "REMOTE", .shrinks = true},
                 {"OPENED", Align::kRight},
                 {"TIME_WAIT/s", Align::kRight},
                 {"PORTS USED", Align::kRight},
                 {"OF", Align::kRight},
                 {"USED", Align::kRight}});
    for (const RemotePorts& remote : report.ports) {
        table.add_row({remote.remote.text(), format_count(remote.opened),
                       rate(remote.time_waits, report), format_count(remote.used),
                       remote.available ? format_count(*remote.available) : "-",
                       remote.available ? format_percent(remote.used, *remote.available) : "-"});
    }
    return table.row_count() > 0 ? "\n" + table.render(painter, width) : "";
}

std::string render_churners(const ChurnReport& report, const Painter& painter, std::size_t width)
{
    std::string text;
    for (const Churner& churner : report.churners) {
        if (std::max(churner.figures.opened, churner.figures.closed) > 1) {
            text += wrap(churner_sentence(churner, report.watched), "- ", width);
        }
    }
    return text.empty() ? text : "\n" + painter.paint("Top churners", Style::kHeader) + "\n" + text;
}

} // namespace

std::string render_churn_body(const ChurnReport& report, const Painter& painter, std::size_t width)
{
    const std::size_t line = width > 0 ? width : std::numeric_limits<std::size_t>::max();
    if (report.total.weight() == 0) {
        return "no connection came or went\n";
    }
    std::string text = render_counts(report, line) + render_costs(report, line);
    if (const auto bins = bins_of(report.total.lifetimes); !bins.empty()) {
        text += "\n" + painter.paint("Lifetimes", Style::kHeader) + "\n" +
                render_bins(bins, kBarColumns, painter);
    }
    text += render_dwells(report.dwells, painter);
    text += render_rows(report, painter, width);
    text += render_ports(report, painter, width);
    return text + render_churners(report, painter, line);
}

std::string render_churn(const ChurnReport& report, const Painter& painter, std::size_t width)
{
    return fmt::format("tcpledger churn  {} watched  {} events lost\n\n",
                       format_latency(report.watched), format_count(report.lost)) +
           render_churn_body(report, painter, width);
}

} // namespace tcpledger
