// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger/follower.hpp"

#include <algorithm>
#include <iterator>

namespace tcpledger {
namespace {

/// A look at each mini-socket is cheap, but a process may have thousands.
constexpr std::chrono::milliseconds kLookPeriod{100};
constexpr std::chrono::seconds kLookPeriodOfMany{1};
constexpr std::size_t kMany = 1000;

std::vector<TcpState> states_of(const Path& path)
{
    std::vector<TcpState> states;
    states.reserve(path.steps.size());
    for (const Path::Step& step : path.steps) {
        states.push_back(step.state);
    }
    return states;
}

/// A transition that no record told, of a connection that may be off the books.
AppliedTransition told_by_looking(const Connection& connection, const Process& owner, TcpState from,
                                  MonotonicTime time)
{
    return {time, connection, owner, from, connection.state, std::nullopt};
}

} // namespace

bool Follower::is_ours(const Connection& connection, const Process& owner) const
{
    if (const auto* cookie = std::get_if<std::uint64_t>(&target_)) {
        return connection.cookie == *cookie;
    }
    return connection.owner != kKernelProcess && connection.owner != kUnknownProcess &&
           owner.key == std::get<ProcessKey>(target_);
}

bool Follower::is_mini(const Path& path)
{
    return path.connection.kind == SocketKind::kMini;
}

bool Follower::begin(const Books& books, MonotonicTime now)
{
    begun_ = true;
    looked_ = now;
    books.for_each([&](ConnectionId, const Connection& connection) {
        const Process& owner = books.processes().at(connection.owner);
        if (is_ours(connection, owner)) {
            if (connection.cookie != 0) {
                start(connection, connection.state, connection.entered);
                open_.at(connection.cookie).steps.back().bound =
                    connection.age_is_lower_bound ? Path::Bound::kLower : Path::Bound::kExact;
            }
            show_(told_by_looking(connection, owner, connection.state, now));
        }
    });
    return !open_.empty() || std::holds_alternative<ProcessKey>(target_);
}

void Follower::start(const Connection& connection, TcpState state, MonotonicTime since)
{
    Path path;
    path.connection = connection;
    path.steps.push_back({state, std::nullopt, Path::Bound::kExact});
    path.since = since;
    open_.insert_or_assign(connection.cookie, std::move(path));
}

void Follower::go_on(Path& path, TcpState from, TcpState to, MonotonicTime time,
                     std::optional<MonotonicTime> lasted, Path::Bound bound)
{
    if (path.steps.back().state != from) { // what was between is lost
        path.steps.push_back({from, std::nullopt, Path::Bound::kExact});
    } else if (lasted) {
        path.steps.back().lasted = lasted;
        path.steps.back().bound = bound;
    } else if (path.steps.back().bound == Path::Bound::kLower) {
        path.steps.back().lasted = time - path.since;
    }
    path.steps.push_back({to, std::nullopt, Path::Bound::kExact});
    path.since = time;
}

void Follower::transition(const AppliedTransition& applied)
{
    if (!begun_) {
        return;
    }
    const std::uint64_t cookie = applied.connection.cookie;
    auto known = open_.find(cookie);
    if (!is_ours(applied.connection, applied.owner)) {
        if (known != open_.end()) {
            conclude(known, Path::End::kHandedOver);
        }
        return;
    }
    if (cookie == 0) { // a clone, whose identity the next record tells
        show_(applied);
        return;
    }
    if (known != open_.end() && applied.old_state == TcpState::kClose) {
        conclude(known, Path::End::kEnded); // the socket is used again
        known = open_.end();
    }
    if (known == open_.end()) {
        start(applied.connection, applied.old_state, applied.time);
        known = open_.find(cookie);
    }
    Path& path = known->second;
    AppliedTransition shown = applied;
    shown.new_state = applied.goes_on.value_or(applied.new_state);
    path.connection = applied.connection;
    path.connection.state = shown.new_state;
    if (applied.goes_on) {
        path.connection.kind = SocketKind::kMini;
        if (*applied.goes_on == applied.old_state) {
            return; // another socket, but not another state
        }
    }
    go_on(path, applied.old_state, shown.new_state, applied.time, applied.time_in_old_state,
          Path::Bound::kExact);
    show_(shown);
    if (shown.new_state == TcpState::kClose) {
        conclude(known, Path::End::kEnded);
    }
}

void Follower::look(const Books& books, MonotonicTime now)
{
    const MonotonicTime period =
        open_.size() < kMany ? MonotonicTime(kLookPeriod) : MonotonicTime(kLookPeriodOfMany);
    if (!begun_ || now - looked_ < period) {
        return;
    }
    looked_ = now;
    for (auto at = open_.begin(); at != open_.end();) {
        const auto next = std::next(at);
        if (is_mini(at->second)) {
            look_at(at, books, now);
        }
        at = next;
    }
}

void Follower::look_at(Open::iterator at, const Books& books, MonotonicTime now)
{
    Path& path = at->second;
    Connection& seen = path.connection;
    const TcpState from = seen.state;
    const Process& owner = books.processes().at(seen.owner);
    const ConnectionId id = books.find_mini(seen.tuple);
    if (id == kNoConnection || books.at(id).cookie != seen.cookie) {
        seen.state = TcpState::kClose;
        go_on(path, from, seen.state, now, now - path.since, Path::Bound::kUpper);
        show_(told_by_looking(seen, owner, from, now));
        conclude(at, Path::End::kEnded);
    } else if (books.at(id).state != from) {
        seen = books.at(id);
        const bool exact = !seen.age_is_lower_bound;
        go_on(path, from, seen.state, seen.entered, seen.entered - path.since,
              exact ? Path::Bound::kExact : Path::Bound::kUpper);
        AppliedTransition told = told_by_looking(seen, owner, from, seen.entered);
        if (exact) {
            told.time_in_old_state = path.steps[path.steps.size() - 2].lasted;
        }
        show_(told);
    }
}

Follower::Open::iterator Follower::conclude(Open::iterator at, Path::End end)
{
    at->second.end = end;
    const Way way{states_of(at->second), end};
    if (ways_.contains(way) || ways_.size() < kMaxWays) {
        ++ways_[way];
    } else {
        ++others_;
    }
    if (std::holds_alternative<std::uint64_t>(target_)) {
        concluded_ = std::move(at->second);
    }
    return open_.erase(at);
}

bool Follower::over(const Books& books) const
{
    if (!begun_) {
        return false;
    }
    if (std::holds_alternative<std::uint64_t>(target_)) {
        return open_.empty();
    }
    const auto id = books.processes().find(std::get<ProcessKey>(target_));
    return process_ended_ && (!id || books.processes().at(*id).connections == 0);
}

bool Follower::only_waits(const Books& books) const
{
    if (const Path* single = path(); std::holds_alternative<std::uint64_t>(target_)) {
        return single != nullptr && single->connection.state == TcpState::kTimeWait;
    }
    const auto id = books.processes().find(std::get<ProcessKey>(target_));
    if (!process_ended_ || !id) {
        return false;
    }
    const Process& process = books.processes().at(*id);
    const auto waits = process.states[static_cast<std::size_t>(TcpState::kTimeWait)];
    return waits > 0 && waits == process.connections;
}

const Path* Follower::path() const
{
    if (!open_.empty()) {
        return &open_.begin()->second;
    }
    return concluded_ ? &*concluded_ : nullptr;
}

std::vector<PathCount> Follower::ways() const
{
    std::map<Way, std::uint64_t> all = ways_;
    for (const auto& [cookie, path] : open_) {
        ++all[{states_of(path), path.end}];
    }
    std::vector<PathCount> counts;
    for (const auto& [way, count] : all) {
        counts.push_back({way.first, way.second, count});
    }
    std::ranges::stable_sort(counts, std::ranges::greater{}, &PathCount::count);
    return counts;
}

} // namespace tcpledger
