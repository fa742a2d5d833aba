// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Counts by state, in total and by group, of the sockets of one listing. It counts and
// sorts; how it looks is states_view.hpp's.
#pragma once

#include "commands/holder_containers.hpp"
#include "commands/options.hpp"
#include "ledger/process_table.hpp"
#include "session/listing.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tcpledger {

/// What the sockets of one group have in common; which members count depends on the grouping.
struct GroupKey {
    std::string name;                    ///< raw: comm, remote address, container; "-": none
    std::optional<std::uint64_t> number; ///< pid, netns, uid, port
    std::uint64_t start_ticks = 0;       ///< of the process
    bool remote_port = false;            ///< the port is the peer's

    auto operator<=>(const GroupKey&) const = default;
};

/// The name of what has no remote end, is in no container, is nobody's.
inline constexpr std::string_view kNoName = "-";

struct StateGroup {
    GroupKey key;
    std::uint64_t total = 0;
    StateCounts states{};
    /// Of a process that still runs.
    std::string command_line; ///< raw bytes
    std::optional<std::chrono::nanoseconds> uptime;
};

struct StatesReport {
    std::uint64_t total = 0;
    StateCounts states{};
    std::vector<StateGroup> groups; ///< largest first
};

class StatesCounter {
public:
    explicit StatesCounter(Grouping by) : by_(by) {}

    /// `served`: there is a listener on its local port.
    void add(const ListedSocket& socket, bool served);
    /// With at most so many groups.
    [[nodiscard]] StatesReport report(std::optional<std::size_t> limit) const;

private:
    [[nodiscard]] GroupKey key_of(const ListedSocket& socket, bool served);

    Grouping by_;
    StateCounts states_{};
    std::map<GroupKey, StateCounts> groups_;
    HolderContainers containers_;
};

/// Reads the command line and the age of each group's process; one that has ended is left as
/// it is.
void describe_processes(StatesReport& report);

} // namespace tcpledger
