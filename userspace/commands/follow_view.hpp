// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What --follow names, and the lines in which it ends: the way of one connection, or the ways of
// all of one process.
#pragma once

#include "commands/options.hpp"
#include "filter/cases.hpp"
#include "ledger/follower.hpp"
#include "output/json.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tcpledger {

/// "1234" and "pid:1234" name a process; "sk:1c0d3" (as ss -e has it), "0x1c0d3", "cookie:114899"
/// (as in JSON) a connection. A number beyond all pids is a cookie. Nothing for other words.
[[nodiscard]] std::optional<FollowTarget> parse_follow(std::string_view text);

/// What of it the kernel can decide, see cases_of(const Filter&).
[[nodiscard]] std::vector<tl_case> cases_of(const FollowTarget& target);

/// "# path: ESTABLISHED >2s -> FIN_WAIT1 31us -> FIN_WAIT2 …"; `now` ends what lasts still.
[[nodiscard]] std::string path_text(const Path& path, MonotonicTime now);
void write_path(JsonWriter& json, const Path& path, MonotonicTime now,
                std::chrono::system_clock::time_point time);

/// A line a way, without line ends between the last and what follows.
[[nodiscard]] std::string ways_text(const Follower& follower);
void write_ways(JsonWriter& json, const Follower& follower, std::uint32_t pid,
                std::chrono::system_clock::time_point time);

} // namespace tcpledger
