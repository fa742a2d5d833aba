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
    std::optional<Dwells> dwells; ///< in this interval; where they are kept, and not empty
};

struct Overview {
    std::size_t connections = 0;
    std::size_t unknown = 0; ///< of these, on [unknown]'s books
    StateCounts states{};
    LedgerCounters counters;
    std::optional<Dwells> dwells;           ///< in this interval, of all; where they are kept
    std::vector<ProcessOverview> processes; ///< those with connections, openings or closings
};

/// The dwell times of a process, of this interval; nothing where there are none.
[[nodiscard]] std::optional<Dwells> dwells_of(const Ledger& ledger, ProcessId process);
/// Those of all processes; nothing where they are not kept.
[[nodiscard]] std::optional<Dwells> all_dwells(const Ledger& ledger);

/// `now` on the clock of the records.
[[nodiscard]] Overview take_overview(const Ledger& ledger, MonotonicTime now);

} // namespace tcpledger
