// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger/mini_settlement.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

namespace tcpledger {
namespace {

/// TCP_TIMEWAIT_LEN of the kernel. Its timers fire that late or up to some seconds later.
constexpr MonotonicTime kTimeWaitLength = std::chrono::seconds(60);

/// By then they have fired, however late.
constexpr MonotonicTime kLatestTimer = std::chrono::seconds(70);

/// All mini-sockets are looked through for it.
constexpr MonotonicTime kReplacedPeriod = std::chrono::seconds(5);

/// Between an event and the moment that the kernel's total shows it.
constexpr MonotonicTime kBlur = std::chrono::microseconds(100);

/// After so many lists nothing should be left to explain.
constexpr unsigned kListsThatExplain = 2;

std::size_t slot(TcpState state)
{
    return static_cast<std::size_t>(state);
}

/// Zeros where the namespace is not on the books.
StateCounts counts_of(const std::map<std::uint32_t, StateCounts>& by_netns, std::uint32_t inum)
{
    const auto found = by_netns.find(inum);
    return found != by_netns.end() ? found->second : StateCounts{};
}

bool is_passing(const Connection& mini)
{
    return mini.state != TcpState::kTimeWait;
}

} // namespace

void MiniSettlement::begin(MonotonicTime now)
{
    started_ = now;
    settled_ = 0;
    ledger_.ends().remember(true);
}

std::optional<std::vector<FourTuple>> MiniSettlement::passing(std::size_t limit) const
{
    std::size_t number = 0;
    for (const auto& [inum, minis] : ledger_.books().minis_by_netns()) {
        number += minis[slot(TcpState::kFinWait2)] + minis[slot(TcpState::kSynRecv)];
    }
    std::vector<FourTuple> tuples;
    if (number > limit) {
        return std::nullopt;
    }
    if (number > 0) {
        tuples.reserve(number);
        ledger_.books().for_each_mini([&](ConnectionId, const Connection& connection) {
            if (is_passing(connection)) {
                tuples.push_back(connection.tuple);
            }
        });
    }
    return tuples;
}

std::optional<std::vector<FourTuple>> MiniSettlement::all_of(std::uint32_t netns_inum,
                                                             std::size_t limit) const
{
    std::size_t number = 0;
    for (const std::uint32_t count : counts_of(ledger_.books().minis_by_netns(), netns_inum)) {
        number += count;
    }
    if (number > limit) {
        return std::nullopt;
    }
    std::vector<FourTuple> tuples;
    ledger_.books().for_each_mini([&](ConnectionId, const Connection& connection) {
        if (connection.tuple.netns_inum == netns_inum) {
            tuples.push_back(connection.tuple);
        }
    });
    return tuples;
}

std::uint32_t MiniSettlement::half_open(std::uint32_t netns_inum) const
{
    return counts_of(ledger_.books().minis_by_netns(), netns_inum)[slot(TcpState::kSynRecv)];
}

void MiniSettlement::looked_up(const FourTuple& tuple, std::optional<TcpState> state,
                               std::chrono::milliseconds timer, MonotonicTime at)
{
    Books& books = ledger_.books();
    const ConnectionId id = books.find_mini(tuple);
    if (id == kNoConnection || books.at(id).last_event >= started_) {
        return;
    }
    if (!state) {
        books.strike(id);
        ++settled_;
    } else if (*state == TcpState::kTimeWait && books.at(id).state == TcpState::kFinWait2) {
        const MonotonicTime left = std::min<MonotonicTime>(timer, kTimeWaitLength);
        books.move(id, TcpState::kTimeWait, at - (kTimeWaitLength - left));
        books.details(id).age_is_lower_bound = true; // a late segment starts its timer anew
        ++settled_;
    }
}

void MiniSettlement::gone(const std::set<std::uint32_t>& netns_inums)
{
    if (netns_inums.empty()) {
        return;
    }
    Books& books = ledger_.books();
    std::vector<ConnectionId> over;
    books.for_each_mini([&](ConnectionId id, const Connection& connection) {
        if (netns_inums.contains(connection.tuple.netns_inum) && connection.last_event < started_) {
            over.push_back(id);
        }
    });
    for (const ConnectionId id : over) {
        books.strike(id);
    }
    settled_ += over.size();
}

MiniReport MiniSettlement::finish(std::span<const NetnsTotals> totals,
                                  const std::set<std::uint32_t>& listed_all,
                                  const std::set<std::uint32_t>& listed_half_open)
{
    MiniReport report;
    std::map<std::uint32_t, std::uint64_t> most_minis;
    for (const NetnsTotals& one : totals) {
        if (one.most_minis) {
            most_minis[one.netns_inum] = *one.most_minis;
        }
        const bool has_all = listed_all.contains(one.netns_inum);
        if (!has_all) {
            compare_minis(one, report);
        }
        if (!has_all && !listed_half_open.contains(one.netns_inum)) {
            compare_requests(one, report);
        }
        compare_full(one, report);
    }
    ledger_.bound_minis(std::move(most_minis));
    strike_replaced(started_);
    report.settled = std::exchange(settled_, 0);
    std::map<std::uint32_t, unsigned> rows;
    for (const std::uint32_t inum : listed_all) {
        rows[inum] = lists_in_a_row_[inum] + 1;
    }
    lists_in_a_row_ = std::move(rows);
    return report;
}

void MiniSettlement::compare_minis(const NetnsTotals& totals, MiniReport& report)
{
    const std::vector<MiniChange>* changes = ledger_.ends().mini_changes();
    if (!totals.minis || changes == nullptr) {
        return;
    }
    auto books = static_cast<std::int64_t>(ledger_.books().bounded_minis(totals.netns_inum));
    std::int64_t blurred = 0; // changes that the kernel's total may or may not have in it
    for (const MiniChange& change : *changes) {
        if (change.netns_inum == totals.netns_inum) {
            books -= change.time > totals.read_at ? change.delta : 0;
            blurred +=
                change.time >= totals.asked_at - kBlur && change.time <= totals.read_at + kBlur ? 1
                                                                                                : 0;
        }
    }
    const std::int64_t surplus = books - static_cast<std::int64_t>(*totals.minis);
    if (std::abs(surplus) <= blurred) {
        if (totals.most_minis && *totals.minis >= *totals.most_minis) {
            full_.insert(totals.netns_inum);
        }
        return;
    }
    if (surplus > 0 &&
        strike_expired(totals.netns_inum, static_cast<std::size_t>(surplus), totals.read_at)) {
        settled_ += static_cast<std::uint64_t>(surplus);
        return;
    }
    report.to_explain[totals.netns_inum] = surplus > 0;
    const auto lists = lists_in_a_row_.find(totals.netns_inum);
    if (lists != lists_in_a_row_.end() && lists->second >= kListsThatExplain) {
        report.drift += static_cast<std::uint64_t>(std::abs(surplus));
    }
}

/// The `number` oldest whose minute was over at `now`; false, and none, if there are fewer.
bool MiniSettlement::strike_expired(std::uint32_t netns_inum, std::size_t number, MonotonicTime now)
{
    auto over = time_waits_since(now - kTimeWaitLength, {netns_inum});
    if (over.size() < number) {
        return false;
    }
    const auto end = over.begin() + static_cast<std::ptrdiff_t>(number);
    std::ranges::nth_element(over, end);
    std::for_each(over.begin(), end,
                  [&](const auto& entry) { ledger_.books().strike(entry.second); });
    return true;
}

/// Where the kernel has as many as it may, each that ends makes room for a new one, and their
/// number tells nothing: the new ones find room on the books as well.
void MiniSettlement::strike_replaced(MonotonicTime now)
{
    const std::set<std::uint32_t> full = std::exchange(full_, {});
    if (full.empty() || now < next_replaced_) {
        return;
    }
    next_replaced_ = now + kReplacedPeriod;
    for (const auto& [entered, id] : time_waits_since(now - kLatestTimer, full)) {
        ledger_.books().strike(id);
        ++settled_;
    }
}

std::vector<std::pair<MonotonicTime, ConnectionId>>
MiniSettlement::time_waits_since(MonotonicTime since,
                                 const std::set<std::uint32_t>& netns_inums) const
{
    std::vector<std::pair<MonotonicTime, ConnectionId>> found;
    ledger_.books().for_each_mini([&](ConnectionId id, const Connection& connection) {
        if (connection.state == TcpState::kTimeWait && connection.entered <= since &&
            connection.last_event < started_ && netns_inums.contains(connection.tuple.netns_inum)) {
            found.emplace_back(connection.entered, id);
        }
    });
    return found;
}

/// Those that are on the books have been looked up: the books have no more than the kernel.
void MiniSettlement::compare_requests(const NetnsTotals& totals, MiniReport& report) const
{
    const Books& books = ledger_.books();
    if (counts_of(books.by_netns(), totals.netns_inum)[slot(TcpState::kListen)] == 0) {
        return;
    }
    if (!totals.requests || *totals.requests > half_open(totals.netns_inum)) {
        report.requests_to_list[totals.netns_inum] = totals.requests.has_value();
    }
}

/// Exact only where nothing has happened since the total was read.
void MiniSettlement::compare_full(const NetnsTotals& totals, MiniReport& report) const
{
    const Books& books = ledger_.books();
    const auto all = books.by_netns().find(totals.netns_inum);
    if (!totals.in_use || all == books.by_netns().end() || ledger_.last_event() >= started_) {
        return;
    }
    std::uint64_t full = 0;
    const StateCounts minis = counts_of(books.minis_by_netns(), totals.netns_inum);
    for (const TcpState state : kShownStates) {
        full += state != TcpState::kClose ? all->second[slot(state)] - minis[slot(state)] : 0;
    }
    if (full != *totals.in_use) {
        report.full_sockets_differ = true;
        report.drift += full > *totals.in_use ? full - *totals.in_use : *totals.in_use - full;
    }
}

} // namespace tcpledger
