// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Feeds a churn book from a session: which connections a filter lets through, whose they are, which
// of them are open at the end, who started the programs. It shows nothing.
#pragma once

#include "analysis/churn_report.hpp"
#include "commands/container_names.hpp"
#include "filter/filter.hpp"
#include "procfs/processes.hpp"
#include "session/namespace_facts.hpp"
#include "session/session.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tcpledger {

/// Nothing, or what in a filter has no meaning for connections from their begin to their end: a
/// state, an age, unaccepted.
[[nodiscard]] std::optional<std::string> passing_condition(const Filter& filter);

/// Who starts programs that connect: the first process of each is asked for its parent in /proc.
/// Those that live for milliseconds are often gone by then, so the next one is asked, but not more
/// often than kMostLooks a second.
class ParentNames {
public:
    void look(const ReuseKey& program, const ProcessKey& process, MonotonicTime now);
    /// Empty where it is not known.
    [[nodiscard]] std::string of(const ReuseKey& program) const;

private:
    static constexpr int kMostLooks = 50;
    static constexpr std::size_t kMostNames = 10'000;

    ProcFs proc_;
    std::unordered_map<ReuseKey, std::string, ReuseKeyHash> names_;
    MonotonicTime second_{};
    int looks_ = 0;
};

class ChurnWatch {
public:
    ChurnWatch(ChurnGrouping by, std::chrono::nanoseconds poll, Filter filter);
    ChurnWatch(const ChurnWatch&) = delete;
    ChurnWatch& operator=(const ChurnWatch&) = delete;

    /// What the session is opened with; this object outlives it.
    [[nodiscard]] Ledger::Observer observer();
    [[nodiscard]] Ledger::CompanionObserver companions();

    /// To be called before anything is counted; `session` stays.
    void begin(const Session& session);
    /// After each step.
    void after_step();
    /// Each second, after the session's begin_interval().
    void after_interval();
    /// Of what happened since begin() or the last report, which a new one begins after.
    [[nodiscard]] ChurnReport report(std::size_t rows);

private:
    void transition(const AppliedTransition& transition);
    void finished(const FinishedLife& life);
    [[nodiscard]] bool outgoing(const Connection& connection) const;
    [[nodiscard]] bool matches(const Connection& connection, const Process& owner,
                               std::string_view container);
    [[nodiscard]] std::string_view container_of(const Process& owner);
    void add_open_ones();
    void name_parents(ChurnReport& report) const;
    void begin_window();

    ChurnGrouping by_;
    std::chrono::nanoseconds poll_;
    Filter filter_;
    bool wants_container_;
    bool wants_namespace_;
    bool asks_local_; ///< of an end that connect() does not have at first
    ContainerNames containers_;
    NamespaceFacts namespaces_;
    ParentNames parents_;
    LifeBook lives_;
    ChurnBook book_;
    const Session* session_ = nullptr;
    std::chrono::steady_clock::time_point begun_;
    std::uint64_t lost_before_ = 0;    ///< before the window
    std::uint64_t lost_forgotten_ = 0; ///< when entries were last forgotten
};

} // namespace tcpledger
