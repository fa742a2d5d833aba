// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `trace`: each transition as it happens.
#include "commands/commands.hpp"
#include "commands/event_lines.hpp"
#include "commands/filter_words.hpp"
#include "commands/top_view.hpp"
#include "commands/trace_filter.hpp"
#include "commands/trace_view.hpp"

#include <unistd.h>

#include <utility>

namespace tcpledger {
namespace {

/// The way of a transition from the ledger to stdout.
class TraceOutput {
public:
    TraceOutput(const TraceOptions& options, Filter filter, const ClockReading& start)
        : format_(options,
                  Painter(color_wanted(options.common.color, ColorEnvironment::of(STDOUT_FILENO))),
                  start),
          filter_(options, std::move(filter),
                  [this](const ProcessKey& key) { return container_of(key); }),
          lines_([this](const Gap& gap) { return tell(gap); }, options.count)
    {
    }

    Expected<void> open() { return lines_.open(); }
    void header() { lines_.header(format_.header()); }

    void transition(const AppliedTransition& applied)
    {
        filter_.pass(line_of(applied), [this](const TraceLine& line) {
            if (!lines_.full()) {
                lines_.show(format_.format(line));
            }
        });
    }

    /// Wall time is told by a new reading from here on: the clock may have been set.
    void renew_clock() { format_.renew_clock(read_clocks()); }

    [[nodiscard]] EventLines& lines() { return lines_; }

private:
    std::string tell(const Gap& gap)
    {
        return gap.lost ? format_.loss(*gap.lost, monotonic_now())
                        : format_.dropped(gap.dropped.value_or(0), monotonic_now());
    }

    std::string_view container_of(const ProcessKey& key)
    {
        ProcessOverview process;
        process.key = key;
        return containers_.of(process);
    }

    ContainerNames containers_;
    TraceFormat format_;
    TraceFilter filter_;
    EventLines lines_;
};

} // namespace

ExitStatus run(const TraceOptions& options)
{
    Expected<Filter> filter = read_ledger_filter(options.filter);
    if (!filter) {
        return fail(filter.error());
    }
    StopSignals signals;
    TraceOutput output(options, std::move(*filter), read_clocks());
    Expected<std::unique_ptr<Session>> opened = Session::open(
        {options.common.ring_bytes, options.common.hooks},
        [&](const AppliedTransition& transition) { output.transition(transition); },
        [&](std::uint64_t lost) { output.lines().loss(lost); });
    if (!opened) {
        return fail(opened.error());
    }
    if (const Expected<void> ready = output.open(); !ready) {
        return fail(ready.error());
    }
    output.header();
    return follow_events(**opened, output.lines(), signals, options.duration,
                         {.after_step = [] {},
                          .after_interval = [&] { output.renew_clock(); },
                          .at_end = [] {},
                          .shown = "transitions"});
}

} // namespace tcpledger
