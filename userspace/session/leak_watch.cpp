// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/leak_watch.hpp"

#include <algorithm>
#include <set>

namespace tcpledger {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

bool may_wait(const Connection& connection)
{
    switch (connection.state) {
    case TcpState::kEstablished:
    case TcpState::kSynSent:
    case TcpState::kFinWait2:
    case TcpState::kCloseWait:
        return connection.owner != kKernelProcess;
    case TcpState::kSynRecv:
    case TcpState::kFinWait1:
    case TcpState::kTimeWait:
    case TcpState::kClose:
    case TcpState::kLastAck:
    case TcpState::kListen:
    case TcpState::kClosing:
    case TcpState::kNewSynRecv:
    case TcpState::kBoundInactive:
        return false;
    }
    return false;
}

bool is_closed_by_error(const AppliedTransition& transition)
{
    const bool open = transition.old_state == TcpState::kEstablished ||
                      transition.old_state == TcpState::kCloseWait ||
                      transition.old_state == TcpState::kFinWait2;
    return open && transition.new_state == TcpState::kClose && transition.error != 0;
}

LeakSocket socket_of(const Connection& connection, MonotonicTime now)
{
    LeakSocket socket;
    socket.cookie = connection.cookie != 0 ? connection.cookie : hash_of(connection.tuple);
    socket.tuple = connection.tuple;
    socket.state = shown_state(connection.state);
    socket.unaccepted = connection.unaccepted;
    const auto since = [now](MonotonicTime then) {
        return duration_cast<milliseconds>(std::max(now - then, MonotonicTime(0)));
    };
    socket.in_state = since(connection.entered);
    socket.in_state_is_lower_bound = connection.age_is_lower_bound;
    if (connection.opened != MonotonicTime(0)) {
        socket.since_opened = since(connection.opened);
    }
    return socket;
}

void add_detail(LeakSocket& socket, const LeakDetail& detail)
{
    socket.seen = true;
    socket.orphan = !detail.held;
    socket.since_segment = detail.since_segment;
    socket.since_data_came = detail.since_data_came;
    socket.since_data_went = detail.since_data_went;
    socket.recv_queue = detail.recv_queue;
}

} // namespace

bool LeakWatch::is_selected(const Connection& connection, const Process& owner,
                            MonotonicTime age) const
{
    return !selected_ || selected_(connection, owner, age);
}

void LeakWatch::observe(const AppliedTransition& transition)
{
    const Connection& connection = transition.connection;
    if (transition.new_state == TcpState::kListen || transition.old_state == TcpState::kListen) {
        return;
    }
    const auto known = origins_.find(connection.cookie);
    const bool passive = connection.passive || (known != origins_.end() && known->second.passive);
    count(transition, passive);
    if (connection.cookie == 0) {
        return;
    }
    if (transition.new_state == TcpState::kEstablished) {
        origins_.insert_or_assign(connection.cookie, Origin{transition.owner.key, passive});
    } else if (transition.new_state == TcpState::kClose && known != origins_.end()) {
        origins_.erase(known);
    }
    if (is_closed_by_error(transition) && aborted_.size() < kMostAborted) {
        aborted_.push_back(connection.cookie);
    }
}

void LeakWatch::count(const AppliedTransition& transition, bool passive)
{
    const TcpState from = transition.old_state;
    const TcpState to = transition.new_state;
    const bool half_open = transition.connection.passive && from == TcpState::kSynRecv;
    const bool answered = from == TcpState::kSynSent && to == TcpState::kEstablished;
    const bool opens = from == TcpState::kClose || (half_open && to != TcpState::kClose);
    const bool closes = to == TcpState::kClose && !half_open;
    const Connection& connection = transition.connection;
    if ((!opens && !closes && !answered) || connection.owner == kKernelProcess ||
        !is_selected(connection, transition.owner, MonotonicTime(0))) {
        return;
    }
    LeakSocket socket;
    socket.tuple = connection.tuple;
    socket.passive = passive;
    LeakFlow& flow = flows_[{transition.owner.key, socket.peer()}];
    flow.opened += opens ? 1U : 0U;
    flow.closed += closes ? 1U : 0U;
    flow.answered += answered ? 1U : 0U;
}

const LeakWatch::Origin& LeakWatch::origin_of(const Connection& connection, const Books& books)
{
    Origin origin;
    origin.passive =
        connection.passive || connection.how == How::kAccept || connection.how == How::kListener ||
        books.find_listener(connection.tuple.netns_inum, connection.tuple.local) != kNoConnection;
    if (connection.how != How::kInherited && connection.owner != kUnknownProcess) {
        origin.opener = books.processes().at(connection.owner).key;
    }
    const auto [known, is_new] = origins_.try_emplace(connection.cookie, origin);
    Origin& kept = known.value();
    const bool handed_down = kept.opener != kNoProcess && is_born_later(origin.opener, connection);
    if (origin.opener != kNoProcess && !handed_down) {
        kept.opener = origin.opener;
    }
    kept.passive = kept.passive || origin.passive;
    return kept;
}

bool LeakWatch::is_born_later(const ProcessKey& process, const Connection& connection) const
{
    const MonotonicTime opened =
        connection.opened != MonotonicTime(0) ? connection.opened : begun_.monotonic;
    const auto born = ticks_to_boottime(process.start_ticks + 1, user_hz());
    return born >= opened + (begun_.boottime - begun_.monotonic);
}

/// By fork(), not handed over: the holder was born later, and who opened it goes on without it.
bool LeakWatch::is_inherited(const Connection& connection, const ProcessKey& holder,
                             const ProcessKey& opened_by, const Books& books) const
{
    const auto opener = books.processes().find(opened_by);
    return holder != opened_by && opener && !books.processes().at(*opener).exited &&
           is_born_later(holder, connection);
}

/// The look has walked the descriptors just now; the books may wait for their next census.
void LeakWatch::settle_owner(LeakSocket& socket, const Connection& connection,
                             std::span<const CensusHolder> holders, const Books& books)
{
    const Origin& origin = origin_of(connection, books);
    socket.opener = origin.opener;
    socket.passive = origin.passive;
    const auto key_of = [](const CensusHolder& holder) {
        return ProcessKey{holder.pid, holder.start_ticks};
    };
    if (!holders.empty()) {
        socket.unaccepted = false;
        if (std::ranges::find(holders, socket.owner, key_of) == holders.end()) {
            socket.owner = key_of(holders.front()); // the smallest pid
        }
    }
    if (socket.orphan) {
        return;
    }
    socket.unaccepted = socket.unaccepted && !socket.seen; // it has an inode: somebody has it
    const bool opener_holds = std::ranges::find(holders, socket.opener, key_of) != holders.end();
    socket.inherited = !holders.empty() && !opener_holds &&
                       is_inherited(connection, socket.owner, socket.opener, books);
}

LeakSample LeakWatch::sample(const LeakLook& look, const Books& books)
{
    LeakSample sample;
    sample.time = duration_cast<milliseconds>(look.started());
    books.for_each([&](ConnectionId, const Connection& connection) {
        const Process& owner = books.processes().at(connection.owner);
        if (!may_wait(connection) ||
            !is_selected(connection, owner, look.started() - connection.entered)) {
            return;
        }
        LeakSocket socket = socket_of(connection, look.started());
        socket.owner = owner.key;
        socket.passive = connection.passive;
        if (const LeakDetail* detail = look.find(connection);
            detail != nullptr && detail->state == socket.state) {
            add_detail(socket, *detail);
        }
        socket.first_holder = static_cast<std::uint32_t>(sample.holders.size());
        if (connection.kind == SocketKind::kFull) {
            const auto holders = look.holders_of(connection.cookie);
            settle_owner(socket, connection, holders, books);
            for (const CensusHolder& holder : holders) {
                sample.holders.push_back({{holder.pid, holder.start_ticks}, holder.fd});
            }
            socket.holders = static_cast<std::uint32_t>(holders.size());
        }
        sample.sockets.push_back(socket);
    });
    books.processes().for_each([&](ProcessId, const Process& process) {
        if (process.exited) {
            sample.exited.push_back(process.key);
        }
    });
    sample.aborted.swap(aborted_);
    forget_flows(sample);
    return sample;
}

void LeakWatch::forget_flows(const LeakSample& sample)
{
    if (origins_.size() > 2 * sample.sockets.size() + kManyFlows) { // ends were lost
        tsl::robin_map<std::uint64_t, Origin, IntegerHash> kept;
        for (const LeakSocket& socket : sample.sockets) {
            if (const auto found = origins_.find(socket.cookie); found != origins_.end()) {
                kept.insert_or_assign(found->first, found->second);
            }
        }
        origins_ = std::move(kept);
    }
    if (flows_.size() <= kManyFlows) {
        return;
    }
    std::set<std::pair<ProcessKey, LeakPeer>> open;
    for (const LeakSocket& socket : sample.sockets) {
        open.emplace(socket.owner, socket.peer());
    }
    std::erase_if(flows_, [&](const auto& flow) { return !open.contains(flow.first); });
}

} // namespace tcpledger
