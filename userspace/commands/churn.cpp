// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `churn`: what came and went in a while.
#include "commands/churn_view.hpp"
#include "commands/churn_watch.hpp"
#include "commands/commands.hpp"
#include "commands/filter_words.hpp"
#include "commands/report_output.hpp"
#include "commands/signals.hpp"
#include "commands/trace_filter.hpp"
#include "output/format.hpp"
#include "output/stream.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace tcpledger {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

class Churning {
public:
    Churning(Session& session, ChurnWatch& watch, LineStream& stream, StopSignals& signals)
        : session_(session), watch_(watch), stream_(stream), signals_(signals)
    {
    }

    void wait_for_seed()
    {
        while (!session_.seeded() && !signals_.came()) {
            session_.step(milliseconds(100), signals_.fd());
        }
        for (const std::string& note : session_.health().notes) {
            spdlog::warn("{}", note);
        }
        session_.step(milliseconds(0)); // what has queued while the books were seeded
        watch_.begin(session_);
    }

    /// Until then, a signal, or nobody reads any more.
    void watch_until(Steady::time_point end)
    {
        while (!over() && Steady::now() < end) {
            const auto left = std::chrono::ceil<milliseconds>(end - Steady::now());
            session_.step(std::clamp(left, milliseconds(1), milliseconds(50)), signals_.fd());
            watch_.after_step();
            stream_.flush_if_due(Steady::now());
            if (Steady::now() >= next_interval_) {
                next_interval_ = Steady::now() + std::chrono::seconds(1);
                session_.begin_interval();
                watch_.after_interval();
            }
        }
        session_.step(milliseconds(0));
    }

    [[nodiscard]] bool over() { return signals_.came() || stream_.closed(); }

private:
    Session& session_;
    ChurnWatch& watch_;
    LineStream& stream_;
    StopSignals& signals_;
    Steady::time_point next_interval_ = Steady::now() + std::chrono::seconds(1);
};

Expected<Filter> read_churn_filter(const ChurnOptions& options)
{
    Expected<Filter> filter = read_ledger_filter(options.filter);
    if (filter) {
        if (const auto word = passing_condition(*filter)) {
            return tl::unexpected(
                Error{ErrorKind::kUsage, 0,
                      "\"" + *word +
                          "\" changes in the life of a connection: churn, which counts "
                          "whole lives, cannot ask for it",
                      "life and list can: tcpledger life …"});
        }
    }
    return filter;
}

} // namespace

ExitStatus run(const ChurnOptions& options)
{
    Expected<Filter> filter = read_churn_filter(options);
    if (!filter) {
        return fail(filter.error());
    }
    StopSignals signals;
    std::vector<tl_case> cases = of_any_process(kernel_cases(TraceOptions(), *filter));
    const bool bindings = needs_of(*filter).bindings();
    ChurnWatch watch(options.by, options.poll, std::move(*filter));
    Expected<std::unique_ptr<Session>> opened =
        Session::open({.ring_bytes = options.common.ring_bytes,
                       .hooks = options.common.hooks,
                       .companions = watch.companions(),
                       .cases = std::move(cases),
                       .bindings = bindings},
                      watch.observer());
    if (!opened) {
        return fail(opened.error());
    }
    Session& session = **opened;
    const WhenFull when_full = options.watch ? WhenFull::kDrop : WhenFull::kWait;
    Expected<LineStream> stream = LineStream::open(STDOUT_FILENO, {.when_full = when_full});
    if (!stream) {
        return fail(stream.error());
    }
    const std::chrono::nanoseconds duration =
        options.duration.value_or(std::chrono::seconds(options.watch ? 10 : 30));
    Churning churning(session, watch, *stream, signals);
    churning.wait_for_seed();
    spdlog::info("watching for {}{}; Ctrl-C shows what there is", format_duration(duration),
                 options.watch ? " at a time" : "");
    const Steady::time_point begun = Steady::now();
    {
        ReportOutput output(options.common, *stream, options.watch, options.watch);
        Steady::time_point end = begun;
        for (bool again = true; again; again = options.watch && !churning.over()) {
            end = std::max(end + std::chrono::duration_cast<Steady::duration>(duration),
                           Steady::now());
            churning.watch_until(end);
            const ChurnReport report = watch.report(options.rows);
            output.show(
                [&](JsonWriter& json) {
                    write_json(json, report, std::chrono::system_clock::now());
                },
                [&](const Painter& painter, std::size_t columns) {
                    return render_churn(report, painter, columns);
                });
        }
    }
    stream->close();
    if (const std::optional<Error> error = stream->error()) {
        return fail(*error);
    }
    if (options.watch && signals.came()) {
        spdlog::info("{} events lost, {}", session.lost_total(),
                     format_duration(Steady::now() - begun));
    }
    return ExitStatus::kDone;
}

} // namespace tcpledger
