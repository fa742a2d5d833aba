// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/event_lines.hpp"

#include "output/format.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <limits>
#include <utility>

namespace tcpledger {
namespace {

using Steady = std::chrono::steady_clock;

/// How often what has ended is forgotten and the clocks are read anew.
constexpr std::chrono::seconds kInterval{1};

} // namespace

EventLines::EventLines(std::function<std::string(const Gap&)> gap_line,
                       std::optional<std::uint64_t> count)
    : gap_line_(std::move(gap_line)),
      left_(count.value_or(std::numeric_limits<std::uint64_t>::max()))
{
}

Expected<void> EventLines::open()
{
    LineStreamOptions options;
    options.drop_marker = [this](std::uint64_t lines) {
        const std::string told = gap_line_({.dropped = lines});
        const std::uint64_t lost = std::exchange(lost_untold_, 0);
        return lost == 0 ? told : told + "\n" + gap_line_({.lost = lost});
    };
    Expected<LineStream> stream = LineStream::open(STDOUT_FILENO, std::move(options));
    if (!stream) {
        return tl::unexpected(stream.error());
    }
    stream_.emplace(std::move(*stream));
    return {};
}

void EventLines::header(const std::string& text)
{
    if (!text.empty()) {
        stream_->write_line(text);
    }
}

void EventLines::show(std::string_view line)
{
    --left_;
    shown_ += stream_->write_line(line) ? 1U : 0U;
}

void EventLines::loss(std::uint64_t lost)
{
    if (!stream_->write_line(gap_line_({.lost = lost}))) {
        lost_untold_ += lost;
    }
}

ExitStatus follow_events(Session& session, EventLines& lines, StopSignals& signals,
                         std::optional<std::chrono::nanoseconds> duration, const EventSteps& steps)
{
    LineStream& stream = lines.stream();
    while (!session.seeded() && !signals.came()) {
        session.step(std::chrono::milliseconds(100), signals.fd());
    }
    for (const std::string& note : session.health().notes) {
        spdlog::warn("{}", note);
    }
    if (steps.when_seeded && session.seeded()) {
        if (const Expected<void> ready = steps.when_seeded(); !ready) {
            return fail(ready.error());
        }
    }
    stream.flush(); // the header tells that the books are whole now

    const Steady::time_point begun = Steady::now();
    const Steady::time_point end = duration ? begun + *duration : Steady::time_point::max();
    Steady::time_point next_interval = begun + kInterval;
    const auto over = [&] { return steps.over && steps.over(); };
    while (!signals.came() && !lines.full() && !stream.closed() && Steady::now() < end && !over()) {
        session.step(std::chrono::milliseconds(50), signals.fd());
        steps.after_step();
        stream.flush_if_due(Steady::now());
        if (Steady::now() >= next_interval) {
            next_interval += kInterval;
            session.begin_interval();
            steps.after_interval();
        }
    }
    if (stream.closed()) {
        // A reader that left wants to hear no more; a full disk is an error.
        return stream.error() ? fail(*stream.error()) : ExitStatus::kDone;
    }
    session.step(std::chrono::milliseconds(0)); // what was under way
    steps.at_end();
    stream.close();
    spdlog::info("{} {} shown, {} events lost, {} lines dropped, {}", lines.shown(), steps.shown,
                 session.lost_total(), stream.dropped(), format_duration(Steady::now() - begun));
    return ExitStatus::kDone;
}

} // namespace tcpledger
