// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "analysis/exec_book.hpp"

#include <algorithm>

namespace tcpledger {
namespace {

bool is_beginning(const AppliedTransition& transition)
{
    const bool active =
        transition.old_state == TcpState::kClose && transition.new_state == TcpState::kSynSent;
    return active ||
           (transition.connection.passive && transition.new_state == TcpState::kEstablished);
}

bool is_let_go(TcpState state)
{
    return state == TcpState::kClose || state == TcpState::kLastAck;
}

} // namespace

std::uint64_t ExecFigures::failed() const
{
    std::uint64_t sum = 0;
    for (const auto& [ending, count] : endings) {
        sum += is_failure(ending) ? count : 0;
    }
    return sum;
}

std::uint64_t ExecFigures::ended_well() const
{
    std::uint64_t sum = 0;
    for (const auto& [ending, count] : endings) {
        sum += is_failure(ending) ? 0 : count;
    }
    return sum;
}

/// The peer closed before the end of the process closed anything: that end may have closed both.
bool ExecBook::is_leaked(const FinishedLife& life) const
{
    const auto lasted = [&](TcpState state) {
        return life.time_in_state[static_cast<std::size_t>(state)];
    };
    const auto waited = lasted(TcpState::kCloseWait);
    const auto exit = exits_.find(life.owner.key);
    return waited && exit != exits_.end() &&
           life.closed - lasted(TcpState::kLastAck).value_or(MonotonicTime{}) - *waited <
               exit->second;
}

void ExecBook::add(ExecFigures& figures, const FinishedLife& life) const
{
    (life.outgoing() ? figures.opened : figures.accepted) += 1;
    ++figures.endings[life.ending];
    figures.bytes_sent += life.figures.bytes_sent;
    figures.bytes_received += life.figures.bytes_received;
    if (life.process_end != ProcessEnd::kLives) {
        ++figures.unclosed;
        figures.leaked += is_leaked(life) ? 1U : 0U;
    }
}

void ExecBook::transition(const AppliedTransition& transition)
{
    const std::uint64_t cookie = transition.connection.cookie;
    if ((transition.flags & (TL_FLAG_EXITING | TL_FLAG_KILLED)) != 0 &&
        belongs_(transition.owner)) {
        exits_.try_emplace(transition.owner.key, transition.time);
    }
    if (is_beginning(transition) && belongs_(transition.owner)) {
        open_.insert(cookie);
        peak_ = std::max(peak_, open_.size());
    } else if (is_let_go(transition.new_state)) {
        open_.erase(cookie);
    }
}

void ExecBook::finished(const FinishedLife& life)
{
    if (!belongs_(life.owner) || life.connection.opened == MonotonicTime{}) {
        return;
    }
    if (life.connection.passive && life.ending == Ending::kNeverAccepted) {
        ++total_.endings[life.ending]; // it was nobody's
        return;
    }
    add(total_, life);
    if (life.process_end != ProcessEnd::kLives && unclosed_.size() < kMostUnclosed) {
        unclosed_.push_back(life.connection.cookie);
    }
    OfProcess& process = processes_[life.owner.key];
    process.comm = life.owner.comm;
    add(process.figures, life);
    if (life.duration) {
        lifetimes_.add(static_cast<std::uint64_t>(life.duration->count()));
    }
    if (life.outgoing()) {
        ++remotes_[life.connection.tuple.remote];
    }
}

void ExecBook::count_open(const Books& books)
{
    still_open_ = 0;
    books.for_each([&](ConnectionId, const Connection& connection) {
        const bool open = connection.state == TcpState::kEstablished ||
                          connection.state == TcpState::kCloseWait ||
                          connection.state == TcpState::kSynSent;
        if (open && !connection.unaccepted && open_.contains(connection.cookie) &&
            belongs_(books.processes().at(connection.owner))) {
            ++still_open_;
        }
    });
}

} // namespace tcpledger
