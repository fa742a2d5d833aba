// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `trace`: each transition as it happens, of all connections or of those that are followed.
#include "commands/commands.hpp"
#include "commands/container_names.hpp"
#include "commands/event_lines.hpp"
#include "commands/filter_words.hpp"
#include "commands/follow.hpp"
#include "commands/follow_view.hpp"
#include "commands/trace_filter.hpp"
#include "commands/trace_view.hpp"
#include "session/listing.hpp"
#include "session/namespace_facts.hpp"

#include <unistd.h>

#include <optional>
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
          filter_(
              options, std::move(filter),
              [this](const ProcessKey& key) -> std::string_view { return containers_.of(key); },
              [this](SocketView& view) { namespaces_.complete(view); }),
          lines_([this](const Gap& gap) { return tell(gap); }, options.count),
          following_(options.follow.has_value())
    {
    }

    Expected<void> open() { return lines_.open(); }
    void header() { lines_.header(format_.header()); }

    void transition(const AppliedTransition& applied)
    {
        filter_.pass(line_of(applied), [this](const TraceLine& line) {
            if (!lines_.full()) {
                if (!following_) {
                    mark(bursts_.note(line.time));
                }
                lines_.show(format_.format(line));
            }
        });
    }
    /// What happened up to a moment ago has come by now.
    void time_passes() { mark(bursts_.pass(monotonic_now() - BurstMeter::kWindow)); }

    /// Wall time is told by a new reading from here on: the clock may have been set.
    void renew_clock() { format_.renew_clock(read_clocks()); }

    [[nodiscard]] EventLines& lines() { return lines_; }
    [[nodiscard]] const TraceFormat& format() const { return format_; }

private:
    void mark(const std::optional<BurstMark>& mark)
    {
        if (mark) {
            lines_.aside(format_.burst(*mark));
        }
    }
    std::string tell(const Gap& gap)
    {
        return gap.lost ? format_.loss(*gap.lost, monotonic_now())
                        : format_.dropped(gap.dropped.value_or(0), monotonic_now());
    }

    ContainerNames containers_;
    NamespaceFacts namespaces_;
    TraceFormat format_;
    TraceFilter filter_;
    EventLines lines_;
    BurstMeter bursts_;
    bool following_; ///< then what is shown is no measure of anything
};

ExitStatus show_all(Session& session, TraceOutput& output, StopSignals& signals,
                    const TraceOptions& options)
{
    return follow_events(session, output.lines(), signals, options.duration,
                         {.after_step = [&] { output.time_passes(); },
                          .after_interval = [&] { output.renew_clock(); },
                          .at_end = [] {},
                          .shown = "transitions"});
}

ExitStatus follow(Session& session, TraceOutput& output, Followed& followed, StopSignals& signals,
                  const TraceOptions& options)
{
    const auto sum_up = [&] {
        const MonotonicTime now = monotonic_now();
        followed.sum_up(output.lines(), options, now, output.format().wall(now));
    };
    return follow_events(session, output.lines(), signals, options.duration,
                         {.when_seeded = [&] { return followed.begin(session.ledger().books()); },
                          .after_step = [&] { followed.look(session.ledger().books()); },
                          .after_interval = [&] { output.renew_clock(); },
                          .at_end = sum_up,
                          .over = [&] { return followed.over(session.ledger().books()); },
                          .shown = "transitions"});
}

} // namespace

ExitStatus run(const TraceOptions& options)
{
    Expected<Filter> filter = read_ledger_filter(options.filter);
    if (!filter) {
        return fail(filter.error());
    }
    StopSignals signals;
    SessionOptions wanted{.ring_bytes = options.common.ring_bytes, .hooks = options.common.hooks};
    wanted.cases = options.follow ? cases_of(*options.follow) : kernel_cases(options, *filter);
    wanted.bindings = needs_of(*filter).bindings();
    wanted.last_acks = options.follow.has_value();
    TraceOutput output(options, std::move(*filter), read_clocks());
    std::optional<Followed> followed;
    if (options.follow) {
        auto made = Followed::find(*options.follow, [&](const AppliedTransition& transition) {
            output.transition(transition);
        });
        if (!made) {
            return fail(made.error());
        }
        followed.emplace(std::move(*made));
    }
    Expected<std::unique_ptr<Session>> opened = Session::open(
        wanted,
        [&](const AppliedTransition& transition) {
            followed ? followed->transition(transition) : output.transition(transition);
        },
        [&](std::uint64_t lost) { output.lines().loss(lost); });
    if (!opened) {
        return fail(opened.error());
    }
    if (const Expected<void> ready = output.open(); !ready) {
        return fail(ready.error());
    }
    output.header();
    return followed ? follow(**opened, output, *followed, signals, options)
                    : show_all(**opened, output, signals, options);
}

} // namespace tcpledger
