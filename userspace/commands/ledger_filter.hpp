// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A filter asked of the running ledger's connections, and `top`'s figures of those that match.
#pragma once

#include "commands/container_names.hpp"
#include "filter/filter.hpp"
#include "ledger/ledger.hpp"
#include "ledger/overview.hpp"
#include "session/namespace_facts.hpp"

#include <unordered_map>
#include <utility>

namespace tcpledger {

/// What a filter may look at of a connection on the books; `owner` is its process. The holders,
/// the container and the age are not filled in. The views lead into `owner`.
[[nodiscard]] SocketView view_of(const Connection& connection, const Process& owner,
                                 bool owner_is_known);

/// What a filter asks of a connection that is not on the books.
class BesideTheBooks {
public:
    explicit BesideTheBooks(const Filter& filter);

    /// Fills it in, as far as it is asked for. Valid until the next call.
    void complete(SocketView& view, const Process& owner, bool owner_is_known);

private:
    bool wants_container_;
    bool wants_namespace_;
    ContainerNames containers_;
    NamespaceFacts namespaces_;
};

/// `top` of the connections that a filter lets through. Which were opened and closed is asked
/// of the filter's expression alone: its states are those of the counts.
class TopFilter {
public:
    explicit TopFilter(Filter filter);

    [[nodiscard]] bool everything() const { return filter_.empty(); }

    /// To be told each transition of the interval.
    void observe(const AppliedTransition& transition);
    /// Whether dwell times of this connection are asked for: those in `left`.
    [[nodiscard]] bool admits(const Connection& connection, const Process& owner, TcpState left);
    /// take_overview() of what matches. `now` on the clock of the records.
    [[nodiscard]] Overview overview(const Ledger& ledger, MonotonicTime now);
    void begin_interval();

private:
    struct Flow {
        std::uint64_t opened = 0;
        std::uint64_t closed = 0;
    };

    [[nodiscard]] bool matches(SocketView view, const Process& owner, bool owner_is_known);
    [[nodiscard]] bool in_states(TcpState state) const;

    Filter filter_;
    BesideTheBooks beside_;
    TcpState any_state_; ///< one that the filter's states hold
    LedgerCounters counters_;
    std::unordered_map<ProcessId, Flow> flows_;
};

} // namespace tcpledger
