// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What /proc tells of one process: name, command line, start, container, descriptor
// budget. It does not know sockets. A process may end at any time: then every call says so with
// ENOENT or ESRCH, which is_gone() recognises, and callers skip that process.
#pragma once

#include "base/error.hpp"
#include "procfs/containers.hpp"

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tcpledger {

/// From /proc/PID/stat, see proc_pid_stat(5).
struct ProcessStat {
    std::uint32_t pid = 0;         ///< thread group id
    std::uint32_t parent_pid = 0;  ///< 0: none, or outside of this pid namespace
    std::uint64_t start_ticks = 0; ///< since boot, suspended time included, in USER_HZ
    std::string comm; ///< of the thread group leader; any bytes but NUL, usually at most 15
    char state = '?'; ///< the kernel's letter: R S D T t Z X I …

    [[nodiscard]] bool zombie() const noexcept { return state == 'Z' || state == 'X'; }
};

/// A limit that is none.
inline constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

/// RLIMIT_NOFILE.
struct DescriptorLimits {
    std::uint64_t soft = 0; ///< may be kUnlimited
    std::uint64_t hard = 0; ///< may be kUnlimited
};

struct ProcessDetails {
    std::uint32_t pid = 0;
    std::uint32_t parent_pid = 0;
    std::uint64_t start_ticks = 0;
    std::string comm;
    std::string
        command_line; ///< raw bytes; empty for kernel threads and once the process is exiting
    std::string cgroup_path;          ///< empty if unknown
    std::string container;            ///< short text for people; empty if none
    std::optional<std::uint32_t> uid; ///< real uid
    std::optional<std::uint64_t> fds_used;
    std::optional<std::uint64_t> fd_limit_soft;
    std::optional<std::uint64_t> fd_limit_hard;
    bool zombie = false;
};

/// Whether an error of these functions means that the process has ended.
[[nodiscard]] bool is_gone(const Error& error) noexcept;

class ProcFs {
public:
    explicit ProcFs(std::filesystem::path root = "/proc") : root_(std::move(root)) {}

    /// All of it, of one and the same process even if the pid is reused meanwhile. Only what
    /// may not be read, or this kernel does not offer, is left unknown.
    [[nodiscard]] Expected<ProcessDetails> process(std::uint32_t pid) const;

    [[nodiscard]] Expected<ProcessStat> stat(std::uint32_t pid) const;
    /// Arguments joined with spaces, at most 4096 bytes.
    [[nodiscard]] Expected<std::string> command_line(std::uint32_t pid) const;
    /// The path in the unified hierarchy, or the one of version 1 that tells more.
    [[nodiscard]] Expected<std::string> cgroup(std::uint32_t pid) const;
    [[nodiscard]] Expected<DescriptorLimits> limits(std::uint32_t pid) const;
    /// Open descriptors. One stat(2) from Linux 6.2 on, which needs no privilege; before, it lists
    /// the directory, which for other users' processes does.
    [[nodiscard]] Expected<std::uint64_t> descriptor_count(std::uint32_t pid) const;
    /// Real uid.
    [[nodiscard]] Expected<std::uint32_t> uid(std::uint32_t pid) const;

    /// All processes, unordered. Errors: errno of open(2).
    [[nodiscard]] Expected<std::vector<std::uint32_t>> pids() const;

    [[nodiscard]] const std::filesystem::path& root() const noexcept { return root_; }

private:
    std::filesystem::path root_;
};

} // namespace tcpledger
