// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/follow.hpp"

#include "commands/follow_view.hpp"
#include "procfs/clock.hpp"
#include "procfs/processes.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace tcpledger {

Expected<Followed> Followed::find(const FollowTarget& target, Follower::Show show)
{
    if (target.pid == 0) {
        return Followed(target, Follower(target.cookie, std::move(show)), std::nullopt);
    }
    Expected<ProcessWatch> watch = ProcessWatch::open(target.pid); // first: then the pid is kept
    const Expected<ProcessStat> stat = ProcFs().stat(target.pid);
    if (!watch || !stat || stat->zombie()) {
        return tl::unexpected(
            Error{ErrorKind::kFailed, 0, fmt::format("there is no process {}", target.pid),
                  "a connection is named by its cookie: sk:COOKIE as ss -e shows it"});
    }
    const ProcessKey key{target.pid, stat->start_ticks * kStartTicksPerSecond / user_hz()};
    return Followed(target, Follower(key, std::move(show)), std::move(*watch));
}

Expected<void> Followed::begin(const Books& books)
{
    if (follower_.begin(books, monotonic_now())) {
        return {};
    }
    return tl::unexpected(
        Error{ErrorKind::kFailed, 0,
              fmt::format("there is no TCP connection with the cookie {:x}", target_.cookie),
              "list -e shows those there are, after sk:"});
}

void Followed::look(const Books& books)
{
    follower_.look(books, monotonic_now());
    if (watch_ && watch_->ended() && std::exchange(ending_, true)) {
        follower_.process_ended();
    }
    if (!told_to_wait_ && follower_.only_waits(books)) {
        told_to_wait_ = true;
        spdlog::info("only TIME_WAIT is left, which the kernel keeps for a minute; Ctrl-C ends "
                     "this now");
    }
}

void Followed::sum_up(EventLines& lines, const TraceOptions& options, MonotonicTime now,
                      std::chrono::system_clock::time_point wall) const
{
    const bool single = target_.pid == 0;
    const Path* path = follower_.path();
    if (single && path == nullptr) {
        return; // ended before there were whole books
    }
    if (options.common.json) {
        JsonWriter json;
        single ? write_path(json, *path, now, wall)
               : write_ways(json, follower_, target_.pid, wall);
        lines.aside(json.take_line());
        return;
    }
    const std::string text = single ? path_text(*path, now) : ways_text(follower_);
    if (options.csv) {
        spdlog::info("{}", text);
    } else {
        lines.aside(text);
    }
}

} // namespace tcpledger
