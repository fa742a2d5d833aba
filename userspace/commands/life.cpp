// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `life`: one line a finished connection.
#include "commands/commands.hpp"
#include "commands/filter_words.hpp"
#include "commands/life_view.hpp"
#include "commands/signals.hpp"
#include "commands/top_view.hpp"
#include "commands/trace_filter.hpp"
#include "output/format.hpp"
#include "output/stream.hpp"
#include "session/session.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <limits>
#include <utility>

namespace tcpledger {
namespace {

using Steady = std::chrono::steady_clock;

/// How often what has ended is forgotten and the clocks are read anew.
constexpr std::chrono::seconds kInterval{1};

/// The way of a finished connection from the book to stdout.
class LifeOutput {
public:
    LifeOutput(const LifeOptions& options, Filter filter, const ClockReading& start)
        : options_(options),
          format_(
              options,
              Painter(color_wanted(options.line.common.color, ColorEnvironment::of(STDOUT_FILENO))),
              start, ResetReasons::read()),
          filter_(options.line, std::move(filter),
                  [this](const ProcessKey& key) { return container_of(key); }),
          left_(options.line.count.value_or(std::numeric_limits<std::uint64_t>::max()))
    {
    }

    Expected<void> open()
    {
        LineStreamOptions options;
        options.drop_marker = [this](std::uint64_t lines) {
            const MonotonicTime now = monotonic_now();
            const std::string told = format_.gap(std::nullopt, lines, now);
            const std::uint64_t lost = std::exchange(lost_untold_, 0);
            return lost == 0 ? told : told + "\n" + format_.gap(lost, std::nullopt, now);
        };
        Expected<LineStream> stream = LineStream::open(STDOUT_FILENO, std::move(options));
        if (!stream) {
            return tl::unexpected(stream.error());
        }
        stream_.emplace(std::move(*stream));
        return {};
    }

    void header()
    {
        if (const std::string text = format_.header(); !text.empty()) {
            stream_->write_line(text);
        }
    }

    void show(const FinishedLife& life)
    {
        if (left_ == 0 || (options_.failed && !is_failure(life.ending)) ||
            (options_.slower && life.duration.value_or(MonotonicTime::zero()) < *options_.slower)) {
            return;
        }
        const TraceLine identity = identity_of(life);
        if (filter_.matches(identity)) {
            --left_;
            shown_ += stream_->write_line(format_.format(life, identity)) ? 1U : 0U;
        }
    }

    /// Wall time is told by a new reading from here on: the clock may have been set.
    void renew_clock() { format_.renew_clock(read_clocks()); }

    /// Where there is no room for the line, it comes with the one that tells of dropped lines.
    void loss(std::uint64_t lost)
    {
        if (!stream_->write_line(format_.gap(lost, std::nullopt, monotonic_now()))) {
            lost_untold_ += lost;
        }
    }

    [[nodiscard]] LineStream& stream() { return *stream_; }
    [[nodiscard]] bool full() const { return left_ == 0; }
    [[nodiscard]] std::uint64_t shown() const { return shown_; }

private:
    std::string_view container_of(const ProcessKey& key)
    {
        ProcessOverview process;
        process.key = key;
        return containers_.of(process);
    }

    const LifeOptions& options_;
    ContainerNames containers_;
    LifeFormat format_;
    TraceFilter filter_;
    std::optional<LineStream> stream_;
    std::uint64_t left_;
    std::uint64_t shown_ = 0;
    std::uint64_t lost_untold_ = 0;
};

/// Shows lives until it is to end; what has ended by then is in the book.
void follow(const LifeOptions& options, Session& session, LifeBook& book, LifeOutput& output,
            StopSignals& signals)
{
    const Steady::time_point begun = Steady::now();
    const Steady::time_point end =
        options.line.duration ? begun + *options.line.duration : Steady::time_point::max();
    Steady::time_point next_interval = begun + kInterval;
    std::uint64_t lost_before = 0;
    while (!signals.came() && !output.full() && !output.stream().closed() && Steady::now() < end) {
        session.step(std::chrono::milliseconds(50), signals.fd());
        book.hand_over(monotonic_now());
        output.stream().flush_if_due(Steady::now());
        if (Steady::now() >= next_interval) {
            next_interval += kInterval;
            session.begin_interval();
            output.renew_clock();
            if (session.lost_total() != std::exchange(lost_before, session.lost_total())) {
                book.forget_missing(session.ledger().books());
            }
        }
    }
}

} // namespace

ExitStatus run(const LifeOptions& options)
{
    Expected<Filter> filter = read_ledger_filter(options.line.filter);
    if (!filter) {
        return fail(filter.error());
    }
    StopSignals signals;
    LifeOutput output(options, std::move(*filter), read_clocks());
    LifeBook book([&](const FinishedLife& life) { output.show(life); });
    Expected<std::unique_ptr<Session>> opened = Session::open(
        {.ring_bytes = options.line.common.ring_bytes,
         .hooks = options.line.common.hooks,
         .companions = [&](const Companion& companion) { book.companion(companion); }},
        [&](const AppliedTransition& transition) { book.transition(transition); },
        [&](std::uint64_t lost) { output.loss(lost); });
    if (!opened) {
        return fail(opened.error());
    }
    if (const Expected<void> ready = output.open(); !ready) {
        return fail(ready.error());
    }
    Session& session = **opened;
    output.header();
    while (!session.seeded() && !signals.came()) {
        session.step(std::chrono::milliseconds(100), signals.fd());
    }
    for (const std::string& note : session.health().notes) {
        spdlog::warn("{}", note);
    }
    output.stream().flush(); // the header tells that the books are whole now

    const Steady::time_point begun = Steady::now();
    follow(options, session, book, output, signals);
    if (output.stream().closed()) {
        // A reader that left wants to hear no more; a full disk is an error.
        return output.stream().error() ? fail(*output.stream().error()) : ExitStatus::kDone;
    }
    session.step(std::chrono::milliseconds(0)); // what was under way
    book.hand_over_all();
    output.stream().close();
    spdlog::info("{} connections shown, {} events lost, {} lines dropped, {}", output.shown(),
                 session.lost_total(), output.stream().dropped(),
                 format_duration(Steady::now() - begun));
    return ExitStatus::kDone;
}

} // namespace tcpledger
