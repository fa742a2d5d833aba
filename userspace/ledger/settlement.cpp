// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger/settlement.hpp"

#include <algorithm>
#include <vector>

namespace tcpledger {
namespace {

/// TCP_TIMEWAIT_LEN of the kernel; the timer wheel adds up to some seconds.
constexpr MonotonicTime kTimeWaitLength = std::chrono::seconds(60);

/// A dump that goes on in the middle of a hash bucket can skip a socket that sits
/// still; hardly twice in a row.
constexpr unsigned kMissesThatProve = 2;

bool is_mini(const SocketEvidence& row)
{
    return row.inode == 0 &&
           (row.state == TcpState::kTimeWait || shown_state(row.state) == TcpState::kSynRecv);
}

bool waits_for_accept(TcpState state)
{
    return state == TcpState::kEstablished || state == TcpState::kCloseWait ||
           state == TcpState::kSynRecv;
}

} // namespace

void Settlement::begin(MonotonicTime now)
{
    started_ = now;
    ++sweep_;
    report_ = {};
    holders_.clear();
    ledger_.remember_ends(true);
}

void Settlement::listed(const SocketEvidence& row)
{
    Books& books = ledger_.books();
    ConnectionId id = books.find_by_cookie(row.cookie);
    if (id == kNoConnection && row.inode == 0) {
        id = books.find_mini(row.tuple);
    }
    if (id != kNoConnection) {
        agree(id, row);
    } else if (!ledger_.ended(row.cookie) && !ledger_.ended(row.tuple)) {
        enter(row);
    }
}

void Settlement::enter(const SocketEvidence& row)
{
    Connection fresh;
    fresh.tuple = row.tuple;
    fresh.cookie = row.cookie;
    fresh.entered = started_;
    fresh.inode = row.inode;
    fresh.sweep = sweep_;
    fresh.state = shown_state(row.state);
    fresh.kind = is_mini(row) ? SocketKind::kMini : SocketKind::kFull;
    fresh.family = row.family;
    fresh.age_is_lower_bound = true;
    const ConnectionId id = ledger_.books().enter(fresh);
    ++report_.entered;
    if (fresh.kind == SocketKind::kFull) {
        report_.drift += seeded() ? 1U : 0U;
    } else if (fresh.state == TcpState::kSynRecv) {
        queue_at_listener(id);
    }
}

void Settlement::agree(ConnectionId id, const SocketEvidence& row)
{
    Connection& connection = ledger_.books().details(id);
    connection.sweep = sweep_;
    connection.missed_sweeps = 0;
    if (touched(connection)) {
        return;
    }
    connection.inode = row.inode;
    const TcpState state = shown_state(row.state);
    if (state == connection.state) {
        return;
    }
    if (connection.kind == SocketKind::kMini) {
        ++report_.settled;
    } else {
        ++report_.drift;
    }
    ledger_.books().move(id, state, started_);
    connection.age_is_lower_bound = true;
}

void Settlement::held(const HolderEvidence& holder)
{
    Books& books = ledger_.books();
    const ConnectionId id = books.find_by_cookie(holder.cookie);
    if (id == kNoConnection) {
        return;
    }
    if (holder.sock != 0 && books.at(id).sock == 0) {
        books.set_sock(id, holder.sock);
    }
    const ProcessId process = books.processes().intern(holder.process);
    Holders& known = holders_[id];
    if (known.processes == 0 ||
        books.processes().at(process).key.pid < books.processes().at(known.smallest).key.pid) {
        known.smallest = process;
    }
    ++known.processes;
    known.owner_holds = known.owner_holds || process == books.at(id).owner;
}

SettlementReport Settlement::finish(const SweepCoverage& coverage, MonotonicTime now)
{
    Books& books = ledger_.books();
    std::vector<ConnectionId> gone;
    std::vector<ConnectionId> present;
    books.for_each([&](ConnectionId id, const Connection& connection) {
        if (std::ranges::find(coverage.netns_inums, connection.tuple.netns_inum) ==
                coverage.netns_inums.end() ||
            touched(connection)) {
            return;
        }
        if (connection.sweep == sweep_) {
            present.push_back(id);
        } else if ((coverage.full_sockets || connection.kind == SocketKind::kMini) &&
                   is_gone(books.details(id), now)) {
            gone.push_back(id);
        }
    });
    for (const ConnectionId id : gone) {
        ++(books.at(id).kind == SocketKind::kMini ? report_.settled : report_.drift);
        books.strike(id);
    }
    if (coverage.holders) {
        for (const ConnectionId id : present) {
            const auto holders = holders_.find(id);
            settle_owner(id, holders != holders_.end() ? &holders->second : nullptr,
                         coverage.every_process);
        }
    }
    ledger_.remember_ends(false);
    finished_sweeps_ += coverage.full_sockets ? 1 : 0;
    return report_;
}

bool Settlement::is_gone(Connection& connection, MonotonicTime now) const
{
    ++connection.missed_sweeps;
    const bool expected =
        connection.kind == SocketKind::kMini &&
        (connection.state == TcpState::kSynRecv ||
         (connection.state == TcpState::kTimeWait && now - connection.entered >= kTimeWaitLength));
    return expected || connection.missed_sweeps >= kMissesThatProve;
}

void Settlement::settle_owner(ConnectionId id, const Holders* holders, bool every_process)
{
    if (ledger_.books().at(id).kind != SocketKind::kFull) {
        return; // a mini-socket has no holder; its owner closed it
    }
    if (holders != nullptr) {
        settle_held(id, *holders);
    } else {
        settle_unheld(id, every_process);
    }
}

void Settlement::settle_held(ConnectionId id, const Holders& holders)
{
    Books& books = ledger_.books();
    Connection& connection = books.details(id);
    const bool was_queued = connection.unaccepted || connection.how == How::kListener;
    connection.unaccepted = false;
    if (holders.owner_holds) {
        if (was_queued) {
            connection.how = How::kAccept;
        } else if (connection.how == How::kUnknown || connection.how == How::kClose) {
            connection.how = How::kHeld; // shut down both ways, but not closed
        }
        return;
    }
    How how = How::kInherited;
    if (was_queued) {
        how = holders.processes == 1 ? How::kAccept : How::kHeld;
    } else if (connection.owner == kUnknownProcess || connection.owner == kKernelProcess) {
        how = How::kHeld;
    }
    books.reown(id, holders.smallest, how);
}

void Settlement::settle_unheld(ConnectionId id, bool every_process)
{
    Books& books = ledger_.books();
    Connection& connection = books.details(id);
    const bool known = connection.owner != kUnknownProcess;
    if (connection.inode == 0) {
        if (waits_for_accept(connection.state) && (!known || connection.how == How::kListener)) {
            queue_at_listener(id);
        }
        return; // orphaned: it stays with whoever closed it
    }
    if (connection.how == How::kListener) { // accepted, but by no descriptor: io_uring, in flight
        connection.how = How::kAccept;
        connection.unaccepted = false;
    } else if (!known && every_process) {
        books.reown(id, kKernelProcess, How::kHeld);
    }
}

void Settlement::queue_at_listener(ConnectionId id)
{
    Books& books = ledger_.books();
    Connection& connection = books.details(id);
    connection.unaccepted = true;
    connection.passive = true;
    if (connection.how == How::kListener) {
        return; // already with the very listener it was cloned from
    }
    const ConnectionId listener =
        books.find_listener(connection.tuple.netns_inum, connection.tuple.local);
    if (listener != kNoConnection) {
        books.reown(id, books.at(listener).owner, How::kListener);
    }
}

} // namespace tcpledger
