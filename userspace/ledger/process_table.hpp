// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The processes that own connections, and their counts by state. A process is
// (tgid, start time), so that a reused pid is another one. Knows no /proc.
#pragma once

#include "base/tcp_state.hpp"

#include <tsl/robin_map.h>
#include <tsl/robin_set.h>

#include <array>
#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tcpledger {

/// Index into the table; stays valid until begin_interval() frees the process.
using ProcessId = std::uint32_t;

/// The kernel's own sockets.
inline constexpr ProcessId kKernelProcess = 0;
/// Sockets that nobody can attribute.
inline constexpr ProcessId kUnknownProcess = 1;

/// Ticks of start time per second (USER_HZ), the unit of /proc/PID/stat field 22.
inline constexpr std::uint64_t kStartTicksPerSecond = 100;

struct ProcessKey {
    std::uint32_t pid = 0;
    std::uint64_t start_ticks = 0; ///< since boot, kStartTicksPerSecond

    auto operator<=>(const ProcessKey&) const = default;
};

/// What evidence tells of a process.
struct ProcessFacts {
    ProcessKey key;
    std::uint64_t cgroup_id = 0; ///< 0 = not known
    std::uint32_t uid = 0;
    std::string_view comm; ///< raw bytes
};

using StateCounts = std::array<std::uint32_t, kStateSlots>;

struct Process {
    ProcessKey key;
    std::uint64_t cgroup_id = 0;
    std::uint32_t uid = 0;
    std::string comm; ///< raw bytes, up to 15
    bool exited = false;
    bool in_use = false;
    std::uint32_t connections = 0; ///< the sum of `states`
    StateCounts states{};          ///< by shown_state
    std::uint64_t opened = 0;      ///< since the start of this interval
    std::uint64_t closed = 0;      ///< since the start of this interval
};

class ProcessTable {
public:
    ProcessTable();

    /// The process of these facts, made when new. comm and cgroup are brought up to date.
    ProcessId intern(const ProcessFacts& facts);
    [[nodiscard]] std::optional<ProcessId> find(const ProcessKey& key) const;
    [[nodiscard]] Process& at(ProcessId id) { return processes_[id]; }
    [[nodiscard]] const Process& at(ProcessId id) const { return processes_[id]; }

    /// It has ended. One that is not known may become so by the sockets that its end closes: it is
    /// remembered to the end of the next interval.
    void note_exit(const ProcessKey& key);

    /// Frees exited processes without connections and starts the interval counters anew.
    void begin_interval();

    /// Calls visit(ProcessId, const Process&) for each process, pseudo-processes included.
    template <typename Visit> void for_each(Visit&& visit) const
    {
        for (ProcessId id = 0; id < processes_.size(); ++id) {
            if (processes_[id].in_use) {
                visit(id, processes_[id]);
            }
        }
    }
    /// Processes in use, the two pseudo-processes included.
    [[nodiscard]] std::size_t size() const { return processes_.size() - free_.size(); }

private:
    struct KeyHash {
        std::size_t operator()(const ProcessKey& key) const noexcept
        {
            return (key.start_ticks * 0x9e3779b97f4a7c15ULL) ^ (key.pid * 0xff51afd7ed558ccdULL);
        }
    };

    ProcessId allocate(const ProcessKey& key);

    using Keys = tsl::robin_set<ProcessKey, KeyHash>;

    std::vector<Process> processes_;
    std::vector<ProcessId> free_;
    tsl::robin_map<ProcessKey, ProcessId, KeyHash> by_key_;
    Keys exits_;       ///< of strangers, in this interval
    Keys older_exits_; ///< in the one before
};

} // namespace tcpledger
