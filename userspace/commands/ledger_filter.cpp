// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/ledger_filter.hpp"

#include "session/listing.hpp"

#include <algorithm>
#include <bit>
#include <map>

namespace tcpledger {
namespace {

bool is_known(ProcessId id)
{
    return id != kUnknownProcess;
}

} // namespace

SocketView view_of(const Connection& connection, const Process& owner, bool owner_is_known)
{
    SocketView view;
    view.tuple = connection.tuple;
    view.family = connection.family;
    view.state = connection.state;
    view.inode = connection.inode;
    view.cookie = connection.cookie;
    view.unaccepted = connection.unaccepted;
    view.mark = connection.mark;
    view.interface_index = connection.interface_index;
    view.port_origin = connection.port_origin;
    view.uid = kNoUid;
    if (owner_is_known && owner.key.pid != 0) {
        view.uid = owner.uid;
        view.cgroup_id = owner.cgroup_id;
    }
    if (owner_is_known) {
        view.owner = ProcessView{owner.key.pid, owner.comm};
    }
    return view;
}

BesideTheBooks::BesideTheBooks(const Filter& filter)
    : wants_container_(needs_of(filter).container),
      wants_namespace_(needs_of(filter).interface || needs_of(filter).port_range)
{
}

void BesideTheBooks::complete(SocketView& view, const Process& owner, bool owner_is_known)
{
    if (wants_container_ && owner_is_known) {
        view.container = containers_.of(owner.key);
    }
    if (wants_namespace_) {
        namespaces_.complete(view);
    }
}

TopFilter::TopFilter(Filter filter)
    : filter_(std::move(filter)), beside_(filter_),
      any_state_(static_cast<TcpState>(std::countr_zero(filter_.states())))
{
}

bool TopFilter::in_states(TcpState state) const
{
    return (filter_.states() & set_of(state)) != 0;
}

bool TopFilter::matches(SocketView view, const Process& owner, bool owner_is_known)
{
    beside_.complete(view, owner, owner_is_known);
    return filter_.matches(view);
}

void TopFilter::observe(const AppliedTransition& transition)
{
    if (everything()) {
        return;
    }
    const Connection& connection = transition.connection;
    const bool known = is_known(connection.owner);
    SocketView view = view_of(connection, transition.owner, known);
    view.state = any_state_;
    if (!matches(view, transition.owner, known)) {
        return;
    }
    const TcpState from = transition.old_state;
    const TcpState to = transition.new_state;
    counters_.transitions += in_states(from) || in_states(to) ? 1U : 0U;
    const bool half_open = connection.passive && from == TcpState::kSynRecv;
    const bool opens = (from == TcpState::kClose && to != TcpState::kListen) ||
                       (half_open && to != TcpState::kClose);
    const bool closes = to == TcpState::kClose && from != TcpState::kListen && !half_open;
    if (opens || closes) {
        Flow& flow = flows_[connection.owner];
        flow.opened += opens ? 1U : 0U;
        flow.closed += closes ? 1U : 0U;
        counters_.opened += opens ? 1U : 0U;
        counters_.closed += closes ? 1U : 0U;
    }
}

bool TopFilter::admits(const Connection& connection, const Process& owner, TcpState left)
{
    const bool known = is_known(connection.owner);
    SocketView view = view_of(connection, owner, known);
    view.state = any_state_;
    return in_states(left) && matches(view, owner, known);
}

Overview TopFilter::overview(const Ledger& ledger, MonotonicTime now)
{
    if (everything()) {
        return take_overview(ledger, now);
    }
    Overview overview;
    overview.counters = counters_;
    overview.counters.malformed = ledger.counters().malformed;
    overview.dwells = all_dwells(ledger);
    std::map<ProcessId, ProcessOverview> rows;
    const Books& books = ledger.books();
    books.for_each([&](ConnectionId, const Connection& connection) {
        const Process& owner = books.processes().at(connection.owner);
        const bool known = is_known(connection.owner);
        SocketView view = view_of(connection, owner, known);
        view.age = now - connection.entered;
        view.age_is_lower_bound = connection.age_is_lower_bound;
        if (!matches(view, owner, known)) {
            return;
        }
        const auto slot = static_cast<std::size_t>(shown_state(connection.state));
        ProcessOverview& row = rows[connection.owner];
        ++row.connections;
        ++row.states[slot];
        ++overview.connections;
        ++overview.states[slot];
        const MonotonicTime age = now - connection.entered;
        if (connection.state == TcpState::kCloseWait &&
            age > row.oldest_close_wait.value_or(MonotonicTime::min())) {
            row.oldest_close_wait = age;
            row.oldest_is_lower_bound = connection.age_is_lower_bound;
        }
    });
    for (const auto& [id, flow] : flows_) {
        rows[id].opened = flow.opened;
        rows[id].closed = flow.closed;
    }
    for (auto& [id, row] : rows) {
        const Process& process = books.processes().at(id);
        if (id != kKernelProcess && id != kUnknownProcess) {
            row.key = process.key;
        }
        row.comm = process.comm;
        row.uid = process.uid;
        row.exited = process.exited;
        row.dwells = dwells_of(ledger, id);
        overview.processes.push_back(std::move(row));
    }
    return overview;
}

void TopFilter::begin_interval()
{
    counters_ = {};
    flows_.clear();
}

} // namespace tcpledger
