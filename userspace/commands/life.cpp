// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `life`: one line a finished connection.
#include "commands/commands.hpp"
#include "commands/container_names.hpp"
#include "commands/event_lines.hpp"
#include "commands/filter_words.hpp"
#include "commands/life_view.hpp"
#include "commands/trace_filter.hpp"
#include "session/listing.hpp"
#include "session/namespace_facts.hpp"

#include <unistd.h>

#include <utility>

namespace tcpledger {
namespace {

/// The way of a finished connection from the book to stdout.
class LifeOutput {
public:
    LifeOutput(const LifeOptions& options, Filter filter, const ClockReading& start)
        : options_(options),
          format_(
              options,
              Painter(color_wanted(options.line.common.color, ColorEnvironment::of(STDOUT_FILENO))),
              start, ResetReasons::read()),
          filter_(
              options.line, std::move(filter),
              [this](const ProcessKey& key) -> std::string_view { return containers_.of(key); },
              [this](SocketView& view) { namespaces_.complete(view); }),
          lines_(
              [this](const Gap& gap) {
                  return format_.gap(gap.lost, gap.dropped, monotonic_now());
              },
              options.line.count)
    {
    }

    Expected<void> open() { return lines_.open(); }
    void header() { lines_.header(format_.header()); }

    void show(const FinishedLife& life)
    {
        if (lines_.full() || (options_.failed && !is_failure(life.ending)) ||
            (options_.slower && life.duration.value_or(MonotonicTime::zero()) < *options_.slower)) {
            return;
        }
        const TraceLine identity = identity_of(life);
        if (filter_.matches(identity)) {
            lines_.show(format_.format(life, identity));
        }
    }

    /// Wall time is told by a new reading from here on: the clock may have been set.
    void renew_clock() { format_.renew_clock(read_clocks()); }

    [[nodiscard]] EventLines& lines() { return lines_; }

private:
    const LifeOptions& options_;
    ContainerNames containers_;
    NamespaceFacts namespaces_;
    LifeFormat format_;
    TraceFilter filter_;
    EventLines lines_;
};

} // namespace

ExitStatus run(const LifeOptions& options)
{
    Expected<Filter> filter = read_ledger_filter(options.line.filter);
    if (!filter) {
        return fail(filter.error());
    }
    StopSignals signals;
    std::vector<tl_case> cases = of_any_process(kernel_cases(options.line, *filter));
    const bool bindings = needs_of(*filter).bindings();
    LifeOutput output(options, std::move(*filter), read_clocks());
    LifeBook book([&](const FinishedLife& life) { output.show(life); });
    Expected<std::unique_ptr<Session>> opened = Session::open(
        {.ring_bytes = options.line.common.ring_bytes,
         .hooks = options.line.common.hooks,
         .companions = [&](const Companion& companion) { book.companion(companion); },
         .cases = std::move(cases),
         .bindings = bindings},
        [&](const AppliedTransition& transition) { book.transition(transition); },
        [&](std::uint64_t lost) { output.lines().loss(lost); });
    if (!opened) {
        return fail(opened.error());
    }
    if (const Expected<void> ready = output.open(); !ready) {
        return fail(ready.error());
    }
    output.header();
    Session& session = **opened;
    std::uint64_t lost_before = 0;
    const auto forget_missing = [&] {
        output.renew_clock();
        if (session.lost_total() != std::exchange(lost_before, session.lost_total())) {
            book.forget_missing(session.ledger().books());
        }
    };
    return follow_events(session, output.lines(), signals, options.line.duration,
                         {.after_step = [&] { book.hand_over(monotonic_now()); },
                          .after_interval = forget_missing,
                          .at_end = [&] { book.hand_over_all(); },
                          .shown = "connections"});
}

} // namespace tcpledger
