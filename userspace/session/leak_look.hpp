// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What only the kernel's own list tells of open connections, and who holds them, for `leaks`:
// queues and the times since something came or went. Evidence of one moment; it judges nothing.
#pragma once

#include "base/error.hpp"
#include "session/census.hpp"

#include <tsl/robin_map.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tcpledger {

struct LeakDetail {
    TcpState state = TcpState::kEstablished;
    bool held = false; ///< it has an inode: somebody has a descriptor
    std::uint32_t recv_queue = 0;
    std::optional<std::chrono::milliseconds> since_segment;
    std::optional<std::chrono::milliseconds> since_data_came;
    std::optional<std::chrono::milliseconds> since_data_went;
};

class LeakLook {
public:
    /// Dumps every namespace and walks all descriptors: takes a while, so do it in a thread aside.
    /// Never fails: what could not be seen is a note.
    [[nodiscard]] static LeakLook take(const CensusTaker& taker);

    /// What a look at `started` has seen; `details` are in step with `rows`.
    LeakLook(MonotonicTime started, std::span<const SocketRow> rows,
             std::span<const SocketDetails> details, std::vector<CensusHolder> holders);

    [[nodiscard]] const LeakDetail* find(const Connection& connection) const;
    /// Its descriptors, those of one process in a row.
    [[nodiscard]] std::span<const CensusHolder> holders_of(std::uint64_t cookie) const;

    [[nodiscard]] MonotonicTime started() const { return started_; }
    [[nodiscard]] std::chrono::nanoseconds cpu() const { return cpu_; }
    [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

private:
    MonotonicTime started_{};
    std::chrono::nanoseconds cpu_{};
    std::vector<LeakDetail> details_;
    tsl::robin_map<std::uint64_t, std::uint32_t, IntegerHash> by_cookie_;
    std::map<FourTuple, std::uint32_t> minis_; ///< whose cookies do not last
    std::vector<CensusHolder> holders_;        ///< by cookie, then pid and descriptor
    std::vector<std::string> notes_;
};

} // namespace tcpledger
