// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `top`: the live table.
#include "commands/commands.hpp"
#include "commands/container_names.hpp"
#include "commands/filter_words.hpp"
#include "commands/ledger_filter.hpp"
#include "commands/report_output.hpp"
#include "commands/signals.hpp"
#include "commands/top_columns.hpp"
#include "commands/top_view.hpp"
#include "output/format.hpp"
#include "output/stream.hpp"
#include "procfs/clock.hpp"
#include "session/listing.hpp"
#include "session/session.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <optional>
#include <utility>

namespace tcpledger {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

/// Steps the session until `deadline` or a signal.
void run_until(Session& session, Steady::time_point deadline, StopSignals& signals)
{
    while (!signals.came()) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - Steady::now());
        if (left.count() <= 0) {
            return;
        }
        session.step(left, signals.fd());
    }
}

TopReport make_report(const Session& session, const TopOptions& options, milliseconds interval,
                      TopFilter& filter, ContainerNames& containers)
{
    TopReport report;
    report.time = read_clocks();
    report.interval = interval;
    report.overview = filter.overview(session.ledger(), report.time.monotonic);
    report.drift = session.health().drift;
    sort_processes(report.overview.processes, options.sort);
    if (options.rows && report.overview.processes.size() > *options.rows) {
        report.overview.processes.resize(*options.rows);
    }
    for (const ProcessOverview& process : report.overview.processes) {
        report.containers.push_back(process.key ? containers.of(*process.key) : "");
    }
    return report;
}

} // namespace

ExitStatus run(const TopOptions& options)
{
    Expected<Filter> words = read_ledger_filter(options.filter);
    if (!words) {
        return fail(words.error());
    }
    const bool bindings = needs_of(*words).bindings();
    TopFilter filter(std::move(*words));
    StopSignals signals;
    Expected<std::unique_ptr<Session>> opened = Session::open(
        {.ring_bytes = options.common.ring_bytes,
         .hooks = options.common.hooks,
         .bindings = bindings,
         .dwells = options.common.json, // text has no room for them
         .dwells_of = filter.everything()
                          ? Ledger::Admits()
                          : [&](const Connection& connection, const Process& owner,
                                TcpState left) { return filter.admits(connection, owner, left); }},
        filter.everything() ? Ledger::Observer() : [&](const AppliedTransition& transition) {
            filter.observe(transition);
        });
    if (!opened) {
        return fail(opened.error());
    }
    Session& session = **opened;
    Expected<LineStream> stream = LineStream::open(STDOUT_FILENO);
    if (!stream) {
        return fail(stream.error());
    }
    while (!session.seeded() && !signals.came()) {
        session.step(options.delay, signals.fd());
    }
    for (const std::string& note : session.health().notes) {
        spdlog::warn("{}", note);
    }
    ReportOutput output(options.common, *stream, !options.once, !options.batch && !options.once);
    ContainerNames containers;
    std::uint64_t left = options.once ? 1 : options.count.value_or(UINT64_MAX);
    session.begin_interval();
    filter.begin_interval();
    std::uint64_t lost_shown = 0; // what was lost before the first interval is shown with it
    const Steady::time_point started = Steady::now();
    Steady::time_point begun = started;
    while (left > 0 && !signals.came() && !stream->closed()) {
        run_until(session, begun + options.delay, signals);
        const Steady::time_point now = Steady::now();
        if (signals.came() && !options.once) {
            break;
        }
        TopReport report =
            make_report(session, options, std::chrono::duration_cast<milliseconds>(now - begun),
                        filter, containers);
        report.lost = session.lost_total() - std::exchange(lost_shown, session.lost_total());
        output.show([&](JsonWriter& json) { write_json(json, report); },
                    [&](const Painter& painter, std::size_t columns) {
                        return render_text(report, painter, columns);
                    });
        session.begin_interval();
        filter.begin_interval();
        begun = now;
        --left;
    }
    const bool reader_left = stream->closed();
    stream->close();
    if (stream->error()) {
        return fail(*stream->error());
    }
    if (signals.came() && options.batch && !reader_left) {
        spdlog::info("{} events lost, {}", session.lost_total(),
                     format_duration(Steady::now() - started));
    }
    return ExitStatus::kDone;
}

} // namespace tcpledger
