// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The ledger's part for mini-sockets: what a → CLOSE leaves behind, the records of refinements (who
// accepted, and the life of mini-sockets), and a namespace that comes after another. Each record
// may be missing, or come when a census has already told the same; then it changes nothing.
#include "ledger/ledger.hpp"

#include "ledger/records.hpp"

namespace tcpledger {
namespace {

bool is_half_open(const Connection& connection)
{
    return connection.state == TcpState::kSynRecv;
}

/// The ways of a mini-socket that the wire knows; see TL_RECORD_MINI_SOCKET.
bool is_way_of_mini(TcpState from, TcpState to)
{
    using enum TcpState;
    return (from == kListen && to == kNewSynRecv) || (from == kNewSynRecv && to == kClose) ||
           (from == kFinWait2 && to == kTimeWait) ||
           ((from == kFinWait2 || from == kTimeWait) && to == kClose);
}

/// The state of the mini-socket that tcp_time_wait() leaves behind at → CLOSE, if it
/// does. Right but where the kernel could not make one: Ledger::has_room_for_mini() knows one
/// reason, of others the next sweep tells.
std::optional<TcpState> mini_state(const tl_transition& event, TcpState old_state)
{
    if (event.error != 0) {
        return std::nullopt;
    }
    if (old_state == TcpState::kClosing) {
        return TcpState::kTimeWait;
    }
    if (old_state != TcpState::kFinWait2) {
        return std::nullopt;
    }
    if ((event.flags & TL_FLAG_FIN_RECEIVED) != 0) {
        return TcpState::kTimeWait;
    }
    return (event.flags & TL_FLAG_ORPHANED) != 0 ? std::optional(TcpState::kFinWait2)
                                                 : std::nullopt;
}

} // namespace

void Ledger::apply_accept(const tl_transition& event, const tl_process& process)
{
    if (!tcp_state_from_kernel(event.old_state)) {
        ++counters_.malformed;
        return;
    }
    const ConnectionId id =
        merge_embryo(books_.find_embryo(event.sock), books_.find_by_cookie(event.cookie));
    if (id == kNoConnection) {
        return; // it has ended already, or its beginning was lost
    }
    follow_identity(id, event); // by TCP Fast Open, accepted before it is established
    Connection& connection = books_.details(id);
    connection.unaccepted = false;
    connection.last_event = time_of(event.header);
    const bool for_kernel = (event.flags & TL_FLAG_KERNEL_THREAD) != 0;
    books_.reown(id, for_kernel ? kKernelProcess : books_.processes().intern(facts_of(process)),
                 How::kAccept);
    note_accept_wait(id, connection.last_event);
    if (companions_) {
        companions_({Companion::Kind::kWasAccepted, connection.last_event, event.cookie, {}});
    }
}

/// What the tracepoint's → CLOSE, which follows, does not tell: the connection goes on.
void Ledger::apply_left_behind(const tl_transition& event)
{
    const auto old_state = tcp_state_from_kernel(event.old_state);
    const auto mini = tcp_state_from_kernel(event.new_state);
    if (!old_state || (mini != TcpState::kFinWait2 && mini != TcpState::kTimeWait)) {
        ++counters_.malformed;
        return;
    }
    const ConnectionId id = find_or_enter(event, *old_state, *mini);
    follow_identity(id, event);
    Connection& connection = books_.details(id);
    if (connection.kind != SocketKind::kFull || connection.tuple.remote.port == 0) {
        return; // no socket of this kind leaves one behind
    }
    const MonotonicTime time = time_of(event.header);
    const std::optional<MonotonicTime> time_in_old_state = time_in(connection, *old_state, time);
    count_closing(id, *old_state);
    become_mini(id, *mini, time);
    connection.last_event = time;
    if (*mini != *old_state) {
        show(id, time, *old_state, *mini, time_in_old_state);
    }
}

/// The state of the mini-socket that the socket of a → CLOSE leaves behind, as far as the record
/// tells; nothing for other records.
std::optional<TcpState> Ledger::goes_on(ConnectionId id, const tl_transition& event,
                                        TcpState old_state) const
{
    const Connection& connection = books_.at(id);
    const bool may = !minis_are_told_ && connection.kind == SocketKind::kFull &&
                     connection.tuple.remote.port != 0 &&
                     event.new_state == static_cast<std::uint8_t>(TcpState::kClose);
    const auto mini = may ? mini_state(event, old_state) : std::nullopt;
    return mini && has_room_for_mini(event.netns_inum) ? mini : std::nullopt;
}

bool Ledger::has_room_for_mini(std::uint32_t netns_inum) const
{
    const auto most = most_minis_.find(netns_inum);
    return most == most_minis_.end() || books_.bounded_minis(netns_inum) < most->second;
}

/// The tracepoint's → CLOSE of a socket that has left its mini-socket behind.
ConnectionId Ledger::left_already(const tl_transition& event) const
{
    if (!minis_are_told_ || books_.find_by_cookie(event.cookie) != kNoConnection) {
        return kNoConnection;
    }
    const ConnectionId mini = books_.find_mini(tuple_of(event));
    return mini != kNoConnection && books_.at(mini).cookie == event.cookie ? mini : kNoConnection;
}

void Ledger::apply_mini_socket(const tl_transition& event)
{
    const auto old_state = tcp_state_from_kernel(event.old_state);
    const auto new_state = tcp_state_from_kernel(event.new_state);
    if (!old_state || !new_state || !is_way_of_mini(*old_state, *new_state)) {
        ++counters_.malformed;
        return;
    }
    const ConnectionId id = books_.find_mini(tuple_of(event));
    if (*new_state == TcpState::kNewSynRecv) {
        enter_half_open(event, id);
    } else if (id != kNoConnection &&
               is_half_open(books_.at(id)) == (*old_state == TcpState::kNewSynRecv)) {
        *new_state == TcpState::kTimeWait ? enter_time_wait(id, time_of(event.header))
                                          : end_mini(id, *old_state, time_of(event.header));
    }
}

void Ledger::enter_half_open(const tl_transition& event, ConnectionId known)
{
    if (known != kNoConnection && !is_half_open(books_.at(known))) {
        leave(known); // its end was lost: the tuple is in use again
        known = kNoConnection;
    }
    if (known == kNoConnection) {
        Connection request;
        request.tuple = tuple_of(event);
        request.entered = time_of(event.header);
        request.opened = request.entered;
        request.state = TcpState::kSynRecv;
        request.kind = SocketKind::kMini;
        request.family = event.family;
        request.passive = true;
        known = books_.enter(request);
    }
    Connection& request = books_.details(known);
    request.last_event = time_of(event.header);
    ConnectionId listener = books_.find_listener(event.listener_sock);
    if (listener == kNoConnection) {
        listener = books_.find_listener(event.netns_inum, request.tuple.local);
    }
    queue_at_listener(known, listener);
}

void Ledger::enter_time_wait(ConnectionId id, MonotonicTime time)
{
    Connection& mini = books_.details(id);
    if (mini.state != TcpState::kFinWait2) {
        return; // only its timer began anew
    }
    const std::optional<MonotonicTime> time_in_old_state = time_in(mini, mini.state, time);
    books_.move(id, TcpState::kTimeWait, time);
    mini.last_event = time;
    show(id, time, TcpState::kFinWait2, TcpState::kTimeWait, time_in_old_state);
}

void Ledger::end_mini(ConnectionId id, TcpState old_state, MonotonicTime time)
{
    if (old_state != TcpState::kNewSynRecv) {
        show(id, time, old_state, TcpState::kClose, time_in(books_.at(id), old_state, time));
    }
    leave(id);
}

void Ledger::show(ConnectionId id, MonotonicTime time, TcpState old_state, TcpState new_state,
                  std::optional<MonotonicTime> time_in_old_state)
{
    note_dwell(id, old_state, new_state, time_in_old_state);
    if (observer_) {
        const Connection& connection = books_.at(id);
        observer_({time, connection, books_.processes().at(connection.owner), old_state, new_state,
                   time_in_old_state});
    }
}

/// The namespace of this number that was there before has ended, and its mini-sockets with it.
void Ledger::apply_netns_begin(std::uint32_t netns_inum)
{
    const auto minis = books_.minis_by_netns().find(netns_inum);
    if (minis == books_.minis_by_netns().end() || minis->second == StateCounts{}) {
        return; // all need not be looked through
    }
    std::vector<ConnectionId> over;
    books_.for_each_mini([&](ConnectionId id, const Connection& mini) {
        if (mini.tuple.netns_inum == netns_inum && mini.last_event < event_time_) {
            over.push_back(id);
        }
    });
    for (const ConnectionId id : over) {
        leave(id);
    }
}

} // namespace tcpledger
