// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "analysis/churn_book.hpp"

#include <utility>

namespace tcpledger {
namespace {

ChurnActor actor_of(const Process& owner)
{
    return {owner.comm, owner.cgroup_id, owner.key};
}

/// The remote of an outgoing connection; the port served here of an incoming one, whoever comes.
ChurnKey pair_of(const ChurnParty& party)
{
    const FourTuple& tuple = party.connection.tuple;
    ChurnKey key;
    key.actor = actor_of(party.owner);
    key.netns_inum = tuple.netns_inum;
    key.outgoing = party.outgoing;
    key.endpoint = party.outgoing ? tuple.remote : Endpoint{{}, tuple.local.port};
    return key;
}

ReuseKey reuse_key(const ChurnParty& party)
{
    return {party.owner.comm, party.owner.cgroup_id, party.connection.tuple.netns_inum,
            party.connection.tuple.remote};
}

bool has_failed(const FinishedLife& life)
{
    return life.last_state == TcpState::kSynSent || life.last_state == TcpState::kSynRecv;
}

/// tcp_time_wait() took the socket's place.
bool left_time_wait(const FinishedLife& life)
{
    return life.error == 0 &&
           (life.last_state == TcpState::kFinWait2 || life.last_state == TcpState::kClosing);
}

void add_end(ChurnFigures& figures, const FinishedLife& life, MonotonicTime begun,
             std::chrono::nanoseconds poll)
{
    const bool failed = has_failed(life);
    ++figures.closed;
    ++figures.endings[static_cast<std::size_t>(life.ending)];
    figures.failed += failed ? 1U : 0U;
    figures.aborted += !failed && is_failure(life.ending) ? 1U : 0U;
    figures.time_waits += left_time_wait(life) ? 1U : 0U;
    figures.bytes_sent += life.figures.bytes_sent;
    figures.bytes_received += life.figures.bytes_received;
    if (!life.duration) {
        ++figures.older;
        return;
    }
    figures.lifetimes.add(value_of(*life.duration));
    figures.unseen += chance_unseen(*life.duration, poll);
    if (life.connection.opened >= begun) {
        ++figures.opened;
        figures.incoming += life.outgoing() ? 0U : 1U;
    }
}

void add_dwells(Dwells& dwells, const FinishedLife& life)
{
    for (std::size_t at = 0; at < life.time_in_state.size(); ++at) {
        if (const auto& time = life.time_in_state[at]) {
            dwells.states[at].add(value_of(*time));
        }
    }
    if (life.connect) {
        dwells.connect.add(value_of(*life.connect));
    }
    if (life.accept_wait) {
        dwells.accept_wait.add(value_of(*life.accept_wait));
    }
}

} // namespace

std::size_t ChurnKeyHash::operator()(const ChurnKey& key) const noexcept
{
    const std::hash<std::string> text;
    const std::uint64_t process = (std::uint64_t{key.actor.process.pid} << 32) ^
                                  key.actor.process.start_ticks ^ key.actor.cgroup_id;
    const std::uint64_t tuple = hash_of(FourTuple{key.netns_inum, {}, key.endpoint});
    return text(key.actor.comm) ^ (text(key.container) << 1) ^
           IntegerHash()(process + tuple + (key.outgoing ? 1 : 0));
}

void ChurnBook::begin(MonotonicTime now)
{
    begun_ = now;
    total_ = {};
    dwells_ = {};
    groups_.clear();
    pairs_.clear();
}

ChurnKey ChurnBook::group_of(const ChurnParty& party) const
{
    const FourTuple& tuple = party.connection.tuple;
    ChurnKey key;
    switch (by_) {
    case ChurnGrouping::kProcess:
        key.actor = actor_of(party.owner);
        break;
    case ChurnGrouping::kRemote:
        key.netns_inum = tuple.netns_inum;
        key.outgoing = party.outgoing;
        key.endpoint = {tuple.remote.address, party.outgoing ? tuple.remote.port : std::uint16_t{}};
        break;
    case ChurnGrouping::kPort:
        key.outgoing = party.outgoing;
        key.endpoint.port = party.outgoing ? tuple.remote.port : tuple.local.port;
        break;
    case ChurnGrouping::kContainer:
        key.container = party.container;
        break;
    }
    return key;
}

template <typename Change> void ChurnBook::count(const ChurnParty& party, Change&& change)
{
    change(total_);
    for (ChurnFigures* figures :
         {&groups_.at(group_of(party)).figures, &pairs_.at(pair_of(party))}) {
        figures->processes = std::max<std::uint64_t>(figures->processes, 1);
        change(*figures);
    }
}

void ChurnBook::connects(const ChurnParty& party, MonotonicTime now)
{
    const bool spared = pool_.open(reuse_key(party), now);
    count(party, [&](ChurnFigures& figures) {
        ++figures.connects;
        figures.spared += spared ? 1U : 0U;
    });
}

void ChurnBook::lets_go(const ChurnParty& party, MonotonicTime now)
{
    pool_.release(reuse_key(party), now);
}

void ChurnBook::ended(const FinishedLife& life, const ChurnParty& party)
{
    count(party, [&](ChurnFigures& figures) { add_end(figures, life, begun_, poll_); });
    add_dwells(dwells_, life);
    if (by_ == ChurnGrouping::kProcess) {
        add_dwells(groups_.at(group_of(party)).dwells, life);
    }
}

void ChurnBook::still_open(const ChurnParty& party)
{
    if (party.connection.opened < begun_) {
        return;
    }
    count(party, [&](ChurnFigures& figures) {
        ++figures.opened;
        figures.incoming += party.outgoing ? 0U : 1U;
    });
}

void ChurnBook::retire(const std::function<bool(const ProcessKey&)>& has_ended)
{
    const auto renamed = [&](ChurnKey key) {
        if (key.actor.process != ProcessKey{} && has_ended(key.actor.process)) {
            key.actor.process = {};
        }
        return key;
    };
    groups_.rename(renamed);
    pairs_.rename(renamed);
}

} // namespace tcpledger
