// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger/settlement.hpp"

#include <algorithm>
#include <vector>

namespace tcpledger {
namespace {

/// TCP_TIMEWAIT_LEN of the kernel; the timer wheel adds up to some seconds.
constexpr MonotonicTime kTimeWaitLength = std::chrono::seconds(60);

/// FIN_WAIT2 and TIME_WAIT last a minute each; their timers fire some seconds late.
constexpr MonotonicTime kMaxMiniLife = std::chrono::seconds(125);

/// A dump that goes on in the middle of a hash bucket can skip a socket that sits
/// still; hardly twice in a row.
constexpr unsigned kMissesThatProve = 2;

/// What has no inode in these states is a mini-socket, or (an orphan in FIN_WAIT2 where
/// tcp_fin_timeout is long, a TFO child) found by its tuple just as well.
bool is_mini(const SocketEvidence& row)
{
    return row.inode == 0 &&
           (row.state == TcpState::kTimeWait || row.state == TcpState::kFinWait2 ||
            shown_state(row.state) == TcpState::kSynRecv);
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
    ledger_.ends().remember(true);
}

void Settlement::listed(const SocketEvidence& row)
{
    if (const ConnectionId id = find(row); id != kNoConnection) {
        agree(id, row);
    } else if (!ledger_.ends().ended(row.cookie) && !ledger_.ends().ended(row.tuple)) {
        enter(row);
    }
}

/// Where the kernel keeps the cookie in the mini-socket, one cookie can be that of two: of
/// the mini-socket, and of the socket itself when it connects anew.
ConnectionId Settlement::find(const SocketEvidence& row) const
{
    const Books& books = ledger_.books();
    const ConnectionId full = books.find_by_cookie(row.cookie);
    if (!is_mini(row)) {
        return full;
    }
    const ConnectionId mini = books.find_mini(row.tuple);
    const bool same = full != kNoConnection && books.at(full).tuple == row.tuple;
    return mini == kNoConnection && same ? full : mini;
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
    fresh.mark = row.mark;
    fresh.interface_index = row.interface_index;
    fresh.age_is_lower_bound = true;
    Books& books = ledger_.books();
    const ConnectionId mini = books.find_mini(row.tuple);
    if (mini != kNoConnection && !touched(books.at(mini))) {
        books.strike(mini); // what it was has become, or made way for, this socket
        ++report_.settled;
    }
    const ConnectionId id = books.enter(fresh);
    ++report_.entered;
    if (fresh.kind == SocketKind::kFull) {
        count_drift();
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
    connection.mark = row.mark;
    connection.interface_index = row.interface_index;
    if (connection.kind == SocketKind::kFull && connection.tuple != row.tuple) {
        ledger_.books().set_tuple(id, row.tuple); // a connect() whose record had no port yet
    }
    const TcpState state = shown_state(row.state);
    if (state == connection.state) {
        return;
    }
    note_difference(connection.kind);
    if (state == TcpState::kTimeWait && connection.kind == SocketKind::kFull) {
        become_mini(id);
        return;
    }
    ledger_.books().move(id, state, started_);
    connection.age_is_lower_bound = true;
}

/// The record that a socket left its mini-socket behind was lost, and the kernel is one
/// that keeps the cookie in it.
void Settlement::become_mini(ConnectionId id)
{
    Books& books = ledger_.books();
    const ConnectionId known = books.find_mini(books.at(id).tuple);
    if (known != kNoConnection) {
        books.details(known).sweep = sweep_;
        books.strike(id);
        return;
    }
    books.shrink(id, TcpState::kTimeWait, started_);
    books.details(id).age_is_lower_bound = true;
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
    if (holder.port_origin != PortOrigin::kUnknown) {
        books.details(id).port_origin = holder.port_origin;
    }
    const ProcessId process = books.processes().intern(holder.process);
    Holders& known = holders_[id];
    if (known.processes == 0 ||
        books.processes().at(process).key.pid < books.processes().at(known.smallest).key.pid) {
        known.smallest = process;
    }
    known.processes += process != known.last ? 1 : 0; // its descriptors come in a row
    known.last = process;
    known.owner_holds = known.owner_holds || process == books.at(id).owner;
}

SettlementReport Settlement::finish(const SweepCoverage& coverage, MonotonicTime now)
{
    strike_missing(coverage, now);
    every_process_ = coverage.every_process;
    if (coverage.holders) {
        settle_owners();
    }
    holders_ = {};
    ledger_.ends().remember(false);
    if (coverage.full_sockets) {
        ++finished_sweeps_;
        const auto& on_books = ledger_.books().by_netns();
        std::erase_if(seen_netns_, [&](std::uint32_t inum) { return !on_books.contains(inum); });
        seen_netns_.insert(coverage.netns_inums.begin(), coverage.netns_inums.end());
    }
    return report_;
}

SettlementReport Settlement::finish_looks()
{
    ledger_.ends().remember(false);
    return report_;
}

std::vector<MissedSocket> Settlement::missed(std::size_t limit) const
{
    std::vector<MissedSocket> sockets;
    ledger_.books().for_each([&](ConnectionId, const Connection& connection) {
        const bool has_tuple =
            connection.tuple.local.port != 0 && connection.tuple.remote.port != 0;
        if (connection.missed_sweeps > 0 && has_tuple && sockets.size() <= limit) {
            const bool full = connection.kind == SocketKind::kFull;
            sockets.push_back({connection.tuple, full ? connection.cookie : 0});
        }
    });
    if (sockets.size() > limit) {
        sockets.clear();
    }
    return sockets;
}

void Settlement::looked_for(const MissedSocket& socket, std::optional<TcpState> state)
{
    Books& books = ledger_.books();
    const bool full = socket.cookie != 0;
    const ConnectionId id =
        full ? books.find_by_cookie(socket.cookie) : books.find_mini(socket.tuple);
    if (id == kNoConnection || touched(books.at(id))) {
        return;
    }
    if (!state) {
        note_difference(books.at(id).kind);
        books.strike(id);
    } else {
        agree(id, {socket.tuple, socket.cookie, books.at(id).inode, books.at(id).family, *state});
    }
}

/// Whether the namespace of a mini-socket, which was not listed, is no more: that ends mini-sockets
/// without a word. One that was never seen may exist unseen: there they stay for as long as they
/// can live.
bool Settlement::has_gone(const Connection& mini, const SweepCoverage& coverage,
                          MonotonicTime now) const
{
    const std::uint32_t inum = mini.tuple.netns_inum;
    if (!coverage.full_sockets ||
        std::ranges::find(coverage.unread_netns, inum) != coverage.unread_netns.end()) {
        return false;
    }
    return coverage.every_netns || seen_netns_.contains(inum) || now - mini.entered >= kMaxMiniLife;
}

void Settlement::strike_missing(const SweepCoverage& coverage, MonotonicTime now)
{
    std::vector<std::uint32_t> covered(coverage.netns_inums.begin(), coverage.netns_inums.end());
    std::ranges::sort(covered);
    Books& books = ledger_.books();
    std::vector<ConnectionId> gone;
    const unsigned proof = coverage.nothing_skipped ? 1 : kMissesThatProve;
    books.for_each([&](ConnectionId id, const Connection& connection) {
        if (touched(connection)) {
            books.details(id).missed_sweeps = 0; // an event is proof of life
            return;
        }
        if (connection.sweep == sweep_) {
            return;
        }
        const bool mini = connection.kind == SocketKind::kMini;
        bool asked_for =
            mini ? (coverage.mini_states >> static_cast<unsigned>(connection.state) & 1U) != 0
                 : coverage.full_sockets;
        if (!std::ranges::binary_search(covered, connection.tuple.netns_inum)) {
            asked_for = mini && has_gone(connection, coverage, now);
        }
        if (!asked_for) {
            return;
        }
        if (is_gone(books.details(id), now, proof)) {
            gone.push_back(id);
        } else {
            ++report_.missed;
        }
    });
    for (const ConnectionId id : gone) {
        note_difference(books.at(id).kind);
        books.strike(id);
    }
}

/// Listeners first: what waits in their queues is on their owner's books.
void Settlement::settle_owners()
{
    std::vector<ConnectionId> others;
    const auto settle = [&](ConnectionId id) {
        const auto holders = holders_.find(id);
        settle_owner(id, holders != holders_.end() ? &holders->second : nullptr);
    };
    ledger_.books().for_each([&](ConnectionId id, const Connection& connection) {
        if (connection.sweep != sweep_ || touched(connection)) {
            return;
        }
        if (connection.state == TcpState::kListen) {
            settle(id);
        } else {
            others.push_back(id);
        }
    });
    std::ranges::for_each(others, settle);
}

bool Settlement::is_gone(Connection& connection, MonotonicTime now,
                         unsigned misses_that_prove) const
{
    ++connection.missed_sweeps;
    const bool expected =
        connection.kind == SocketKind::kMini &&
        (connection.state == TcpState::kSynRecv ||
         (connection.state == TcpState::kTimeWait && now - connection.entered >= kTimeWaitLength));
    return expected || connection.missed_sweeps >= misses_that_prove;
}

void Settlement::settle_owner(ConnectionId id, const Holders* holders)
{
    const Connection& connection = ledger_.books().at(id);
    if (connection.kind != SocketKind::kFull) {
        if (connection.state == TcpState::kSynRecv) {
            queue_at_listener(id);
        }
        return; // a mini-socket has no holder; its owner closed it
    }
    if (holders != nullptr) {
        settle_held(id, *holders);
    } else {
        settle_unheld(id);
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

void Settlement::settle_unheld(ConnectionId id)
{
    Books& books = ledger_.books();
    Connection& connection = books.details(id);
    const bool known = connection.owner != kUnknownProcess;
    if (connection.inode == 0) {
        if (!waits_for_accept(connection.state)) {
            connection.unaccepted = false; // orphaned: it stays with whoever closed it
        } else if (!known || connection.how == How::kListener) {
            queue_at_listener(id);
        }
        return;
    }
    if (connection.how == How::kListener) { // accepted, but by no descriptor: io_uring, in flight
        connection.how = How::kAccept;
        connection.unaccepted = false;
    } else if (every_process_ && (!known || books.processes().at(connection.owner).exited)) {
        books.reown(id, kKernelProcess, How::kHeld); // one that has ended made it for the kernel
    }
}

void Settlement::queue_at_listener(ConnectionId id)
{
    Books& books = ledger_.books();
    Connection& connection = books.details(id);
    connection.unaccepted = true;
    connection.passive = true;
    connection.port_origin = PortOrigin::kChosen;
    // Its owner may be that of the very listener it was cloned from, one of several.
    const ConnectionId listener =
        books.find_listener(connection.tuple.netns_inum, connection.tuple.local, connection.owner);
    if (listener != kNoConnection) {
        books.reown(id, books.at(listener).owner, How::kListener);
    }
}

} // namespace tcpledger
