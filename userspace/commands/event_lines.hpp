// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What `trace` and `life` share: lines that come as things happen, what is missing among them
// told in place, and the loop that feeds them. Knows nothing of what a line says.
#pragma once

#include "base/error.hpp"
#include "commands/exit_status.hpp"
#include "commands/signals.hpp"
#include "output/stream.hpp"
#include "session/session.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tcpledger {

/// What is missing in one place: events that were lost, or lines that were dropped.
struct Gap {
    std::optional<std::uint64_t> lost = std::nullopt;
    std::optional<std::uint64_t> dropped = std::nullopt;
};

class EventLines {
public:
    /// `gap_line` makes the line that tells of a gap. `count`: shows no more lines than these.
    EventLines(std::function<std::string(const Gap&)> gap_line, std::optional<std::uint64_t> count);

    /// Lines go to stdout from here on.
    Expected<void> open();
    /// The first line, unless it is empty.
    void header(const std::string& text);
    /// Not when full(). A line for which there is no room counts as well.
    void show(std::string_view line);
    /// A line that is none of those that are counted.
    void aside(std::string_view line) { stream_->write_line(line); }
    /// Where there is no room for the line, it comes with the one that tells of dropped lines.
    void loss(std::uint64_t lost);

    [[nodiscard]] LineStream& stream() { return *stream_; }
    [[nodiscard]] bool full() const { return left_ == 0; }
    [[nodiscard]] std::uint64_t shown() const { return shown_; }

private:
    std::function<std::string(const Gap&)> gap_line_;
    std::optional<LineStream> stream_;
    std::uint64_t left_;
    std::uint64_t shown_ = 0;
    std::uint64_t lost_untold_ = 0;
};

/// What a command does on its way through follow_events().
struct EventSteps {
    /// When the books are whole, before anything is shown; what it fails with ends it.
    std::function<Expected<void>()> when_seeded = {};
    std::function<void()> after_step;     ///< after each step of the session
    std::function<void()> after_interval; ///< each second
    std::function<void()> at_end;         ///< before the last lines go out
    std::function<bool()> over = {};      ///< true: nothing more can come
    const char* shown;                    ///< what its lines are: "transitions"
};

/// Waits for the seed, then shows until a signal, `duration`, the count, the reader or what is
/// followed ends it.
[[nodiscard]] ExitStatus follow_events(Session& session, EventLines& lines, StopSignals& signals,
                                       std::optional<std::chrono::nanoseconds> duration,
                                       const EventSteps& steps);

} // namespace tcpledger
