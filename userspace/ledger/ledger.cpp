// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger/ledger.hpp"

#include "ledger/records.hpp"

#include <cstring>

namespace tcpledger {
namespace {

constexpr std::uint8_t kShutdownBoth = 3; // RCV_SHUTDOWN | SEND_SHUTDOWN

bool is_clone(TcpState old_state, TcpState new_state)
{
    return old_state == TcpState::kListen && new_state == TcpState::kSynRecv;
}

/// Copies the record out of the ring, whose memory promises no C++ type. Nothing
/// unless the record is exactly of that kind and size.
template <typename Record> bool read_record(const void* data, std::size_t size, Record& out)
{
    if (size != sizeof(Record)) {
        return false;
    }
    std::memcpy(&out, data, sizeof(Record));
    return true;
}

} // namespace

void Ledger::apply_record(const void* data, std::size_t size)
{
    tl_record_header header{};
    if (size < sizeof(header)) {
        ++counters_.malformed;
        return;
    }
    std::memcpy(&header, data, sizeof(header));
    event_time_ = time_of(header);

    tl_owned_transition owned;
    tl_transition transition;
    tl_process_event process_event;
    tl_farewell farewell;
    tl_reset reset;
    tl_netns_begin netns_begin;
    if (header.size_bytes != size) {
        ++counters_.malformed;
    } else if (header.kind == TL_RECORD_TRANSITION && read_record(data, size, transition)) {
        apply_transition(transition, nullptr);
    } else if (header.kind == TL_RECORD_OWNED_TRANSITION && read_record(data, size, owned)) {
        apply_transition(owned.transition, &owned.process);
    } else if ((header.kind == TL_RECORD_PROCESS_EXEC || header.kind == TL_RECORD_PROCESS_EXIT) &&
               read_record(data, size, process_event)) {
        apply_process_event(process_event);
    } else if (header.kind == TL_RECORD_ACCEPTED && read_record(data, size, owned)) {
        apply_accept(owned.transition, owned.process);
    } else if (header.kind == TL_RECORD_LEFT_BEHIND && read_record(data, size, transition)) {
        apply_left_behind(transition);
    } else if (header.kind == TL_RECORD_MINI_SOCKET && read_record(data, size, transition)) {
        apply_mini_socket(transition);
    } else if (header.kind == TL_RECORD_FAREWELL && read_record(data, size, farewell)) {
        apply_farewell(farewell);
    } else if (header.kind == TL_RECORD_RESET && read_record(data, size, reset)) {
        apply_reset(reset);
    } else if (header.kind == TL_RECORD_NETNS_BEGIN && read_record(data, size, netns_begin)) {
        apply_netns_begin(netns_begin.netns_inum);
    } else {
        ++counters_.malformed;
    }
}

void Ledger::begin_interval()
{
    counters_ = {};
    books_.begin_interval();
    if (dwells_) {
        dwells_->begin_interval();
    }
}

void Ledger::apply_transition(const tl_transition& event, const tl_process* process,
                              const Farewell* farewell)
{
    const auto old_state = tcp_state_from_kernel(event.old_state);
    const auto new_state = tcp_state_from_kernel(event.new_state);
    if (!old_state || !new_state) {
        ++counters_.malformed;
        return;
    }
    ++counters_.transitions;
    const MonotonicTime time = time_of(event.header);
    const ConnectionId left = *new_state == TcpState::kClose ? left_already(event) : kNoConnection;
    if (left != kNoConnection) {
        if (farewell != nullptr && observer_) {
            const Connection& mini = books_.at(left);
            observer_({time, mini, books_.processes().at(mini.owner), *old_state, *new_state,
                       time_in(mini, *old_state, time), event.error, event.flags, event.shutdown,
                       farewell});
        }
        return;
    }

    const ConnectionId id = find_or_enter(event, *old_state, *new_state);
    Connection& connection = books_.details(id);
    const std::optional<MonotonicTime> time_in_old_state = time_in(connection, *old_state, time);

    follow_identity(id, event);
    if (process != nullptr) {
        attribute(id, event, *old_state, *process);
    }
    connection.last_event = time;
    count_opening(connection, *old_state, *new_state);
    if (*new_state != TcpState::kClose) {
        books_.move(id, *new_state, time);
    }
    if (observer_) {
        observer_({time, connection, books_.processes().at(connection.owner), *old_state,
                   *new_state, time_in_old_state, event.error, event.flags, event.shutdown,
                   farewell, goes_on(id, event, *old_state)});
    }
    if (*new_state == TcpState::kClose) {
        finish(id, event, *old_state, time_in_old_state);
    } else {
        note_dwell(id, *old_state, *new_state, time_in_old_state);
    }
}

void Ledger::apply_process_event(const tl_process_event& event)
{
    const ProcessFacts facts = facts_of(event.process);
    ProcessTable& processes = books_.processes();
    if (processes.find(facts.key)) { // else it owns nothing, so the books need not know it
        processes.intern(facts);
    }
    if (event.header.kind == TL_RECORD_PROCESS_EXIT) {
        processes.note_exit(facts.key);
    }
}

ConnectionId Ledger::find_or_enter(const tl_transition& event, TcpState old_state,
                                   TcpState new_state)
{
    if (is_clone(old_state, new_state)) {
        return enter_clone(event);
    }
    ConnectionId id = books_.find_by_cookie(event.cookie);
    if (id != kNoConnection && old_state == TcpState::kClose) {
        leave(id); // the socket connects or listens again: another connection
        id = kNoConnection;
    }
    if (old_state == TcpState::kSynRecv) {
        id = merge_embryo(books_.find_embryo(event.sock), id);
    }
    if (id != kNoConnection) {
        return id;
    }
    Connection fresh;
    fresh.tuple = tuple_of(event);
    fresh.cookie = event.cookie;
    fresh.sock = event.sock;
    fresh.entered = time_of(event.header);
    fresh.state = old_state;
    fresh.age_is_lower_bound = true;
    fresh.family = event.family;
    fresh.passive = old_state == TcpState::kSynRecv;
    if (old_state == TcpState::kClose || fresh.passive) {
        fresh.opened = fresh.entered;
    }
    if (fresh.tuple.local.port != 0) {
        replace_mini(fresh.tuple);
    }
    const ConnectionId entered = books_.enter(fresh);
    if (fresh.passive) {
        queue_at_listener(entered, books_.find_listener(event.netns_inum, fresh.tuple.local));
    }
    return entered;
}

ConnectionId Ledger::enter_clone(const tl_transition& event)
{
    const ConnectionId stale = books_.find_embryo(event.sock);
    if (stale != kNoConnection) {
        leave(stale); // its end was lost: the address is in use again
    }
    Connection clone;
    clone.tuple = tuple_of(event);
    clone.tuple.remote = {}; // still the listener's
    clone.sock = event.sock;
    clone.entered = time_of(event.header);
    clone.opened = clone.entered;
    clone.state = TcpState::kSynRecv;
    clone.kind = SocketKind::kEmbryo;
    clone.family = event.family;
    clone.passive = true;
    const ConnectionId id = books_.enter(clone);
    ConnectionId listener = books_.find_listener(event.listener_sock);
    if (listener == kNoConnection) {
        listener = books_.find_listener(event.netns_inum, clone.tuple.local);
    }
    queue_at_listener(id, listener);
    return id;
}

/// A dump can have listed a passive connection, by its cookie, before the record of
/// its birth was applied: then the listed one stands and learns how it was born.
ConnectionId Ledger::merge_embryo(ConnectionId embryo, ConnectionId listed)
{
    if (embryo == kNoConnection || listed == kNoConnection) {
        return embryo != kNoConnection ? embryo : listed;
    }
    Connection& connection = books_.details(listed);
    connection.opened = books_.at(embryo).opened;
    connection.passive = true;
    books_.strike(embryo);
    return listed;
}

/// A clone has its listener's mark and device, but not its claim to the port.
void Ledger::queue_at_listener(ConnectionId id, ConnectionId listener)
{
    Connection& connection = books_.details(id);
    connection.unaccepted = true;
    connection.port_origin = PortOrigin::kChosen;
    if (listener != kNoConnection) {
        connection.mark = books_.at(listener).mark;
        connection.interface_index = books_.at(listener).interface_index;
        books_.reown(id, books_.at(listener).owner, How::kListener);
    }
}

void Ledger::follow_identity(ConnectionId id, const tl_transition& event)
{
    Connection& connection = books_.details(id);
    if (connection.sock != event.sock) {
        books_.set_sock(id, event.sock);
    }
    follow_binding(connection, event);
    if (event.old_state == static_cast<std::uint8_t>(TcpState::kListen) || event.local_port == 0) {
        return; // a clone's record or a connect() that has no port yet: nothing to learn
    }
    if (connection.kind == SocketKind::kEmbryo) {
        const FourTuple tuple = tuple_of(event);
        replace_mini(tuple); // the half-open request it grew from, or an old TIME_WAIT
        books_.hatch(id, event.cookie, tuple);
    } else if (connection.tuple.local.port == 0 || connection.state == TcpState::kSynSent) {
        const FourTuple tuple = tuple_of(event);
        replace_mini(tuple);
        books_.set_tuple(id, tuple);
    }
}

void Ledger::count_opening(const Connection& connection, TcpState old_state, TcpState new_state)
{
    const bool active = old_state == TcpState::kClose && new_state != TcpState::kListen;
    const bool passive =
        connection.passive && old_state == TcpState::kSynRecv && new_state != TcpState::kClose;
    if (active || passive) {
        ++counters_.opened;
        ++books_.processes().at(connection.owner).opened;
    }
}

void Ledger::attribute(ConnectionId id, const tl_transition& event, TcpState old_state,
                       const tl_process& process)
{
    const bool opens = old_state == TcpState::kClose;
    const auto new_state = static_cast<TcpState>(event.new_state);
    const How opening = new_state == TcpState::kListen ? How::kListen : How::kConnect;
    if ((event.flags & TL_FLAG_KERNEL_THREAD) != 0) {
        if (opens) {
            books_.reown(id, kKernelProcess, opening);
        }
        return; // closed for somebody by a kernel thread: that is not its owner
    }
    if (old_state == TcpState::kListen) {
        return; // a listener ends: it stays on its owner's books to the last
    }
    const ProcessId caller = books_.processes().intern(facts_of(process));
    Connection& connection = books_.details(id);
    connection.unaccepted = false;
    if (opens) {
        books_.reown(id, caller, opening);
    } else if (event.shutdown == kShutdownBoth) {
        books_.reown(id, caller, How::kClose);
    } else if (connection.owner != caller || connection.how == How::kListener) {
        books_.reown(id, caller, How::kHeld); // shutdown() proves a descriptor
    }
}

void Ledger::finish(ConnectionId id, const tl_transition& event, TcpState old_state,
                    std::optional<MonotonicTime> time_in_old_state)
{
    const MonotonicTime time = time_of(event.header);
    count_closing(id, old_state);
    const std::optional<TcpState> mini = goes_on(id, event, old_state);
    if (mini != old_state) { // else it is in it for some time yet
        note_dwell(id, old_state, mini.value_or(TcpState::kClose), time_in_old_state);
    }
    if (mini) {
        become_mini(id, *mini, time);
        return;
    }
    const FourTuple tuple = books_.at(id).tuple;
    leave(id);
    if (old_state == TcpState::kLastAck && event.error == 0 && !moves_are_told_) {
        settle_peer(tuple, time);
    }
}

void Ledger::count_closing(ConnectionId id, TcpState old_state)
{
    const Connection& connection = books_.at(id);
    if (old_state != TcpState::kListen &&
        !(connection.passive && old_state == TcpState::kSynRecv)) {
        ++counters_.closed;
        ++books_.processes().at(connection.owner).closed;
    }
}

/// The full socket is gone, its mini-socket in `state` has its tuple.
void Ledger::become_mini(ConnectionId id, TcpState state, MonotonicTime time)
{
    const Connection& connection = books_.at(id);
    ends_.note_end(connection.cookie);
    replace_mini(connection.tuple);
    ends_.note_mini(connection.tuple, time, +1);
    const bool stays = state == connection.state;
    const bool lower_bound = stays && connection.age_is_lower_bound;
    books_.shrink(id, state, stays ? connection.entered : time);
    books_.details(id).age_is_lower_bound = lower_bound;
}

void Ledger::leave(ConnectionId id)
{
    const Connection& connection = books_.at(id);
    ends_.note_end(connection.cookie);
    ends_.note_end(connection.tuple);
    if (connection.kind == SocketKind::kMini && connection.state != TcpState::kSynRecv) {
        ends_.note_mini(connection.tuple, event_time_, -1);
    }
    books_.strike(id);
}

void Ledger::replace_mini(const FourTuple& tuple)
{
    const ConnectionId old = books_.find_mini(tuple);
    if (old != kNoConnection) {
        leave(old);
    }
}

/// The other end on the same host and namespace has had its FIN acknowledged: the
/// mini-socket of this end moved from FIN_WAIT2 to TIME_WAIT, which is no event.
void Ledger::settle_peer(const FourTuple& tuple, MonotonicTime time)
{
    const ConnectionId peer = books_.find_mini(tuple.mirrored());
    if (peer != kNoConnection && books_.at(peer).state == TcpState::kFinWait2) {
        note_dwell(peer, TcpState::kFinWait2, TcpState::kTimeWait,
                   time_in(books_.at(peer), TcpState::kFinWait2, time));
        books_.move(peer, TcpState::kTimeWait, time);
        books_.details(peer).last_event = time; // news of it, if not by its own record
    }
}

} // namespace tcpledger
