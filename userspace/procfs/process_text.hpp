// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The formats of /proc/PID/*: text in, values out. Pure and total: any bytes give a value
// or nothing. It opens no files.
#pragma once

#include "procfs/processes.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tcpledger::procfs {

/// /proc/PID/stat. The comm ends at the last ')': nothing after it can hold one.
[[nodiscard]] std::optional<ProcessStat> parse_stat(std::string_view text);

/// /proc/PID/cmdline: NULs between the arguments become spaces, those at the end go.
[[nodiscard]] std::string join_command_line(std::string text);

/// /proc/PID/cgroup: the first path that names a container; else, of those that are not the root,
/// that of the unified hierarchy, of systemd's, the longest; else "/"; empty if no line has a path.
[[nodiscard]] std::string parse_cgroup(std::string_view text);

/// /proc/PID/limits: the row "Max open files".
[[nodiscard]] std::optional<DescriptorLimits> parse_limits(std::string_view text);

/// /proc/PID/status: the first number of "Uid:".
[[nodiscard]] std::optional<std::uint32_t> parse_real_uid(std::string_view text);

} // namespace tcpledger::procfs
