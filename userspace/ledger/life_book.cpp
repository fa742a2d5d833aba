// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger/life_book.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

namespace tcpledger {
namespace {

constexpr std::uint8_t kShutdownBoth = 3; // RCV_SHUTDOWN | SEND_SHUTDOWN

ProcessEnd process_end_of(std::uint8_t flags)
{
    if ((flags & TL_FLAG_KILLED) != 0) {
        return ProcessEnd::kKilled;
    }
    return (flags & TL_FLAG_EXITING) != 0 ? ProcessEnd::kExited : ProcessEnd::kLives;
}

/// A half-open connection that came to nothing: none that anybody could have had.
bool never_was(const AppliedTransition& transition)
{
    return transition.connection.passive && transition.old_state == TcpState::kSynRecv;
}

std::optional<MonotonicTime> between(std::optional<MonotonicTime> from,
                                     std::optional<MonotonicTime> to)
{
    return from && to ? std::optional(std::max(*to - *from, MonotonicTime::zero())) : std::nullopt;
}

} // namespace

void LifeBook::transition(const AppliedTransition& transition)
{
    const Connection& connection = transition.connection;
    if (connection.cookie == 0 || transition.new_state == TcpState::kListen ||
        transition.old_state == TcpState::kListen) {
        return;
    }
    const bool told = connection.kind == SocketKind::kMini && !living_.contains(connection.cookie);
    if (transition.new_state != TcpState::kClose) {
        if (told) {
            return; // what a refined hook tells of a mini-socket after the end
        }
        if (transition.old_state == TcpState::kClose) {
            living_.erase(connection.cookie); // the socket connects again: another connection
        }
        note(living_[connection.cookie], transition);
    } else if (transition.farewell != nullptr) {
        finish(transition);
    }
    // Else it is the end of a mini-socket, whose connection has been told of.
}

void LifeBook::note(Living& living, const AppliedTransition& transition)
{
    if (transition.time_in_old_state) {
        auto& sum = living.time_in_state[static_cast<std::size_t>(transition.old_state)];
        sum = sum.value_or(MonotonicTime::zero()) + *transition.time_in_old_state;
    }
    switch (transition.new_state) {
    case TcpState::kEstablished:
        living.established = transition.time;
        return;
    case TcpState::kFinWait1:
        living.first = FirstToClose::kLocal;
        living.process_end = process_end_of(transition.flags);
        return;
    case TcpState::kCloseWait:
        living.first = FirstToClose::kRemote;
        return;
    case TcpState::kClosing:
        living.first = FirstToClose::kBoth;
        return;
    case TcpState::kLastAck:
        living.process_end = process_end_of(transition.flags);
        return;
    case TcpState::kSynSent:
    case TcpState::kSynRecv:
    case TcpState::kFinWait2:
    case TcpState::kTimeWait:
    case TcpState::kClose:
    case TcpState::kListen:
    case TcpState::kNewSynRecv:
    case TcpState::kBoundInactive:
        return;
    }
}

void LifeBook::finish(const AppliedTransition& transition)
{
    const Connection& connection = transition.connection;
    Living living;
    if (const auto known = living_.find(connection.cookie); known != living_.end()) {
        living = known->second;
        living_.erase(known);
    }
    if (never_was(transition)) {
        return;
    }
    note(living, transition);
    if ((transition.flags & TL_FLAG_CALLER) != 0) {
        living.process_end = process_end_of(transition.flags);
    }

    Ended ended;
    FinishedLife& life = ended.life;
    life.connection = connection;
    life.owner = transition.owner;
    life.closed = transition.time;
    if (connection.opened != MonotonicTime{}) {
        life.duration = transition.time - connection.opened;
    }
    if (!connection.passive && living.established) {
        life.connect = living.time_in_state[static_cast<std::size_t>(TcpState::kSynSent)];
    }
    life.accept_wait = between(living.established, living.accepted);
    life.time_in_state = living.time_in_state;
    life.figures = *transition.farewell;
    life.last_state = transition.old_state;
    life.process_end = living.process_end;
    life.error = transition.error;

    EndingEvidence& evidence = ended.evidence;
    evidence.last_state = transition.old_state;
    evidence.first = living.first;
    evidence.process_end = living.process_end;
    evidence.error = transition.error;
    evidence.never_accepted = connection.passive && (transition.flags & TL_FLAG_NOT_ACCEPTED) != 0;
    evidence.lingers_not = (transition.flags & TL_FLAG_LINGERS_NOT) != 0;
    evidence.both_shut = transition.shutdown == kShutdownBoth;
    life.connection.unaccepted = evidence.never_accepted;
    life.ending = ending_of(evidence);
    if (living.reset && transition.time - living.reset->time <= kResetWait) {
        add_reset(ended, living.reset->reset);
    }
    ended_.push_back(std::move(ended));
}

void LifeBook::companion(const Companion& companion)
{
    if (companion.kind == Companion::Kind::kWasAccepted) {
        Living& living = living_[companion.cookie];
        living.accepted = living.accepted.value_or(companion.time);
        return;
    }
    const Reset reset{companion.kind == Companion::Kind::kResetSent, companion.reason};
    if (const auto known = living_.find(companion.cookie); known != living_.end()) {
        known.value().reset = TimedReset{companion.time, reset};
        return;
    }
    const auto ended =
        std::ranges::find(std::views::reverse(ended_), companion.cookie,
                          [](const Ended& candidate) { return candidate.life.connection.cookie; });
    if (ended != std::views::reverse(ended_).end()) {
        add_reset(*ended, reset);
    }
}

/// A RST that was sent outweighs tcp_receive_reset, which fires for both.
void LifeBook::add_reset(Ended& ended, const Reset& reset)
{
    if (ended.life.reset && ended.life.reset->sent && !reset.sent) {
        return;
    }
    ended.life.reset = reset;
    ended.evidence.reset_sent = reset.sent;
    ended.life.ending = ending_of(ended.evidence);
}

void LifeBook::hand_over(MonotonicTime now)
{
    while (!ended_.empty() && now - ended_.front().life.closed >= kResetWait) {
        finished_(ended_.front().life);
        ended_.pop_front();
    }
}

void LifeBook::forget_missing(const Books& books)
{
    for (auto living = living_.begin(); living != living_.end();) {
        living = books.find_by_cookie(living->first) == kNoConnection ? living_.erase(living)
                                                                      : std::next(living);
    }
}

} // namespace tcpledger
