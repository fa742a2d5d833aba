// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Adds up what the ledger and the life book tell of connections that come and go: in total, by
// group, by who connects to whom. Pure: it knows no clock, no /proc and no output.
//
// Its memory is bounded: kMostRows groups and as many pairs of program and peer. When a table is
// full, what is least in it is folded together (FoldingTable).
#pragma once

#include "analysis/churn_figures.hpp"
#include "analysis/folding_table.hpp"
#include "analysis/reuse_pool.hpp"
#include "ledger/dwells.hpp"
#include "ledger/life_book.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace tcpledger {

enum class ChurnGrouping : std::uint8_t { kProcess, kRemote, kPort, kContainer };

/// A process, or all processes of a program that have ended. A program is (name, cgroup).
struct ChurnActor {
    std::string comm; ///< raw bytes
    std::uint64_t cgroup_id = 0;
    ProcessKey process; ///< {0, 0}: those that have ended; the kernel; nobody

    bool operator==(const ChurnActor&) const = default;
};

/// Where a connection is counted. What a table does not tell apart is as it is here.
struct ChurnKey {
    ChurnActor actor;
    std::uint32_t netns_inum = 0;
    bool outgoing = false;
    Endpoint endpoint;     ///< the port is 0 where it is anyone's
    std::string container; ///< empty: none

    bool operator==(const ChurnKey&) const = default;
};

struct ChurnKeyHash {
    std::size_t operator()(const ChurnKey& key) const noexcept;
};

/// A connection as it is counted.
struct ChurnParty {
    const Connection& connection;
    const Process& owner;
    bool outgoing = false;
    std::string_view container = {};
};

struct ChurnGroup {
    ChurnFigures figures;
    Dwells dwells; ///< by process only

    void merge(const ChurnGroup& other)
    {
        figures.merge(other.figures);
        dwells.merge(other.dwells);
    }
    [[nodiscard]] std::uint64_t weight() const { return figures.weight(); }
};

class ChurnBook {
public:
    using Groups = FoldingTable<ChurnKey, ChurnGroup, ChurnKeyHash>;
    using Pairs = FoldingTable<ChurnKey, ChurnFigures, ChurnKeyHash>;

    static constexpr std::size_t kMostRows = 1000;

    /// `poll`: the period of the poller whose blindness is told.
    ChurnBook(ChurnGrouping by, std::chrono::nanoseconds poll, std::size_t most_rows = kMostRows)
        : by_(by), poll_(poll), groups_(most_rows), pairs_(most_rows)
    {
    }

    /// Nothing is counted yet; what opened before `now` is not counted as opened. What may be
    /// reused stays known.
    void begin(MonotonicTime now);

    /// connect() was called.
    void connects(const ChurnParty& party, MonotonicTime now);
    /// Its use ends in good order: a close() or the peer's FIN. Of outgoing ones.
    void lets_go(const ChurnParty& party, MonotonicTime now);
    void ended(const FinishedLife& life, const ChurnParty& party);
    /// To be told of those on the books, before the figures are read.
    void still_open(const ChurnParty& party);

    /// Puts processes that have ended together by program.
    void retire(const std::function<bool(const ProcessKey&)>& has_ended);

    [[nodiscard]] const ChurnFigures& total() const { return total_; }
    [[nodiscard]] const Dwells& dwells() const { return dwells_; }
    [[nodiscard]] const Groups& groups() const { return groups_; }
    /// Who connects to whom: actor, netns, direction and the remote, or the port served here.
    [[nodiscard]] const Pairs& pairs() const { return pairs_; }

private:
    [[nodiscard]] ChurnKey group_of(const ChurnParty& party) const;
    template <typename Change> void count(const ChurnParty& party, Change&& change);

    ChurnGrouping by_;
    std::chrono::nanoseconds poll_;
    MonotonicTime begun_{};
    ChurnFigures total_;
    Dwells dwells_;
    Groups groups_;
    Pairs pairs_;
    ReusePool pool_;
};

} // namespace tcpledger
