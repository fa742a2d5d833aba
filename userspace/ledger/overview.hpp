// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the books say at one moment, by process and in total: an immutable copy for
// the views. Pure.
#pragma once

#include "ledger/ledger.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tcpledger {

struct ProcessOverview {
    std::optional<ProcessKey> key; ///< none for [kernel] and [unknown]
    std::string comm;              ///< raw bytes
    std::uint32_t uid = 0;
    bool exited = false;
    std::uint32_t connections = 0;
    StateCounts states{};                           ///< by shown state
    std::uint64_t opened = 0;                       ///< in this interval
    std::uint64_t closed = 0;                       ///< in this interval
    std::optional<MonotonicTime> oldest_close_wait; ///< its age
    bool oldest_is_lower_bound = false;
};

struct Overview {
    std::size_t connections = 0;
    std::size_t unknown = 0; ///< of these, on [unknown]'s books
    StateCounts states{};
    LedgerCounters counters;
    std::vector<ProcessOverview> processes; ///< those with connections, openings or closings
};

/// `now` on the clock of the records.
[[nodiscard]] Overview take_overview(const Ledger& ledger, MonotonicTime now);

} // namespace tcpledger
