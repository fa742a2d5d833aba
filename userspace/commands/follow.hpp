// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `trace --follow`: what is followed, on this host: found, watched and summed up. How a path is
// followed is ledger/follower.hpp's.
#pragma once

#include "base/error.hpp"
#include "commands/event_lines.hpp"
#include "commands/options.hpp"
#include "ledger/follower.hpp"
#include "procfs/process_watch.hpp"

#include <chrono>
#include <optional>

namespace tcpledger {

class Followed {
public:
    /// Of a process that there is not: kFailed. Whether there is such a connection begin() says.
    [[nodiscard]] static Expected<Followed> find(const FollowTarget& target, Follower::Show show);

    /// Shows the present state of what is there; kFailed where there is no such connection.
    [[nodiscard]] Expected<void> begin(const Books& books);
    void transition(const AppliedTransition& applied) { follower_.transition(applied); }
    /// After each step of the session.
    void look(const Books& books);
    [[nodiscard]] bool over(const Books& books) const { return follower_.over(books); }

    /// The last lines: the way it went. CSV has no room for them: there they go to stderr.
    void sum_up(EventLines& lines, const TraceOptions& options, MonotonicTime now,
                std::chrono::system_clock::time_point wall) const;

private:
    Followed(const FollowTarget& target, Follower follower, std::optional<ProcessWatch> watch)
        : target_(target), follower_(std::move(follower)), watch_(std::move(watch))
    {
    }

    FollowTarget target_;
    Follower follower_;
    std::optional<ProcessWatch> watch_; ///< of a process
    bool ending_ = false;               ///< it has ended; what it did last may be in the ring
    bool told_to_wait_ = false;
};

} // namespace tcpledger
