// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "analysis/leak_book.hpp"

#include "analysis/slope.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace tcpledger {
namespace {

using leak_rules::Stuck;

/// Fewer sockets than this make no line.
constexpr std::size_t kFew = 3;

/// The kernel ends the FIN_WAIT2 of an orphan after a minute: that end says nothing of its peer.
constexpr LeakTime kOrphanLife = std::chrono::seconds(50);

LeakKey key_of(const LeakSocket& socket, LeakKind kind)
{
    const bool by_opener = kind == LeakKind::kInherited && socket.opener != kNoProcess;
    return {kind, by_opener ? socket.opener : socket.owner, socket.peer()};
}

/// Waits are compared within this.
LeakKey scope_of(LeakKey key)
{
    if (key.kind == LeakKind::kIdle) {
        key.peer = LeakPeer{0, key.peer.passive, {}};
    }
    return key;
}

LeakAge age_of(const LeakSocket& socket)
{
    LeakAge age{socket.in_state, socket.in_state_is_lower_bound, std::nullopt};
    if (age.is_lower_bound && socket.since_segment && *socket.since_segment > age.age) {
        age.estimate = socket.since_segment;
    }
    return age;
}

LeakTime at_least(const LeakAge& age)
{
    return age.estimate.value_or(age.age);
}

/// An unread end of stream counts 1 in the kernel's figure.
std::uint32_t unread_of(const LeakSocket& socket)
{
    const bool ended = socket.state == TcpState::kCloseWait;
    return ended && socket.recv_queue > 0 ? socket.recv_queue - 1 : socket.recv_queue;
}

} // namespace

std::optional<LeakTime> LeakSuspect::until_exhausted(std::uint64_t descriptors_left) const
{
    if (!takes_descriptors || !growth_per_min || *growth_per_min <= 0.0) {
        return std::nullopt;
    }
    const double minutes = static_cast<double>(descriptors_left) / *growth_per_min;
    constexpr double kCentury = 60.0 * 24 * 365 * 100;
    if (minutes > kCentury) {
        return std::nullopt;
    }
    return LeakTime(static_cast<std::int64_t>(minutes * 60'000.0));
}

void LeakBook::add(LeakSample sample, const LeakFlows& flows)
{
    last_ = std::move(sample);
    first_ = samples_++ == 0 ? last_.time : first_;
    std::ranges::sort(last_.exited);
    std::ranges::sort(last_.aborted);
    established_.clear();
    std::unordered_map<std::uint64_t, Waiting> now;
    now.reserve(last_.sockets.size());
    for (const LeakSocket& socket : last_.sockets) {
        const auto kind = leak_rules::kind_of(socket);
        if (!kind) {
            continue;
        }
        now.insert_or_assign(socket.cookie, Waiting{key_of(socket, *kind), socket.owner,
                                                    leak_rules::waited(socket), last_.time});
        if (socket.state == TcpState::kEstablished) {
            ++established_[{socket.owner, socket.peer()}];
        }
    }
    note_ends(now);
    waiting_ = std::move(now);
    note_counts(flows);
}

/// What waited at the last sample and does no more, or was used in between.
void LeakBook::note_ends(const std::unordered_map<std::uint64_t, Waiting>& now)
{
    for (const auto& [cookie, before] : waiting_) {
        const auto found = now.find(cookie);
        if (found == now.end()) {
            if (!std::ranges::binary_search(last_.aborted, cookie) &&
                !std::ranges::binary_search(last_.exited, before.owner)) {
                note_end(before, last_.time);
            }
        } else if (found->second.key.kind != before.key.kind) {
            if (found->second.key.kind != LeakKind::kInherited &&
                before.key.kind != LeakKind::kInherited) {
                note_end(before, last_.time);
            }
        } else if (const auto waited = found->second.waited;
                   waited && before.waited && *waited < *before.waited) {
            note_end(before, last_.time - *waited);
        }
    }
    std::erase_if(longest_, [&](const auto& entry) {
        return std::ranges::binary_search(last_.exited, entry.first.process);
    });
}

void LeakBook::note_end(const Waiting& waiting, LeakTime ended)
{
    if (!waiting.waited || waiting.key.kind == LeakKind::kSynSent) {
        return;
    }
    const LeakTime wait = *waiting.waited + std::max(ended - waiting.at, LeakTime(0));
    if (waiting.key.kind == LeakKind::kFinWait2 && wait >= kOrphanLife) {
        return;
    }
    LeakTime& longest = longest_[scope_of(waiting.key)];
    longest = std::max(longest, wait);
}

void LeakBook::note_counts(const LeakFlows& flows)
{
    std::map<LeakKey, std::uint32_t> counts;
    for (const auto& [cookie, waiting] : waiting_) {
        ++counts[waiting.key];
    }
    for (const auto& [key, count] : counts) {
        const auto flow = flows.find({key.process, key.peer});
        const Point point{last_.time, count, flow != flows.end() ? flow->second : LeakFlow{}};
        Line& line = lines_[key];
        if (line.points.empty() && count < kFew) {
            line.before = point;
            continue;
        }
        if (line.points.empty() && line.before) {
            line.points.push_back(*line.before);
        }
        line.points.push_back(point);
        while (line.points.front().time < last_.time - kGrowthOver) {
            line.points.pop_front();
        }
    }
    std::erase_if(lines_, [&](const auto& line) { return !counts.contains(line.first); });
}

LeakTime LeakBook::longest_of(const LeakKey& key) const
{
    const auto found = longest_.find(scope_of(key));
    return found != longest_.end() ? found->second : LeakTime(0);
}

std::vector<LeakSuspect> LeakBook::suspects() const
{
    std::map<LeakKey, std::vector<const LeakSocket*>> by_key;
    for (const LeakSocket& socket : last_.sockets) {
        if (const auto kind = leak_rules::kind_of(socket)) {
            by_key[key_of(socket, *kind)].push_back(&socket);
        }
    }
    std::vector<LeakSuspect> suspects;
    for (const auto& [key, sockets] : by_key) {
        if (sockets.size() >= kFew) {
            judge_line(key, sockets, suspects);
        }
    }
    std::ranges::stable_sort(suspects, std::ranges::greater(), [](const LeakSuspect& suspect) {
        return std::tuple(suspect.judgement.verdict, suspect.judgement.confidence, suspect.count);
    });
    return suspects;
}

void LeakBook::judge_line(const LeakKey& key, const std::vector<const LeakSocket*>& sockets,
                          std::vector<LeakSuspect>& suspects) const
{
    const LeakTime longest = longest_of(key);
    std::vector<Stuck> stuck;
    leak_rules::Evidence evidence;
    evidence.kind = key.kind;
    evidence.passive = key.peer.passive;
    for (const LeakSocket* socket : sockets) {
        const LeakTime patience = leak_rules::patience(*socket, longest);
        const auto waited = leak_rules::waited(*socket);
        if (waited && *waited >= patience) {
            stuck.push_back({socket, *waited});
            evidence.patience = std::max(evidence.patience, patience);
        }
    }
    evidence.stuck = stuck;
    const std::pair owner(key.process, key.peer);
    const auto line = lines_.find(key);
    evidence.answers =
        established_.contains(owner) || (line != lines_.end() && !line->second.points.empty() &&
                                         line->second.points.back().flow.answered > 0);
    const auto judgement = leak_rules::judge(evidence);
    if (!judgement) {
        return;
    }
    LeakSuspect suspect;
    suspect.key = key;
    suspect.judgement = *judgement;
    suspect.patience = evidence.patience;
    suspect.longest_wait = longest > LeakTime(0) ? std::optional(longest) : std::nullopt;
    add_figures(suspect, sockets, stuck);
    add_holders(suspect, sockets);
    add_growth(suspect);
    suspects.push_back(std::move(suspect));
}

void LeakBook::add_figures(LeakSuspect& suspect, const std::vector<const LeakSocket*>& sockets,
                           const std::vector<Stuck>& stuck)
{
    const bool idle = suspect.key.kind == LeakKind::kIdle;
    suspect.count = static_cast<std::uint32_t>(idle ? stuck.size() : sockets.size());
    suspect.stuck = static_cast<std::uint32_t>(stuck.size());
    std::vector<LeakAge> ages;
    for (const Stuck& one : stuck) {
        const LeakSocket& socket = *one.socket;
        suspect.cookies.push_back(socket.cookie);
        suspect.older_count += socket.in_state_is_lower_bound ? 1U : 0U;
        ages.push_back(idle ? LeakAge{one.waited, false, std::nullopt} : age_of(socket));
        suspect.unread_bytes += unread_of(socket);
        suspect.unread_ends +=
            socket.state == TcpState::kCloseWait && socket.recv_queue > 0 ? 1U : 0U;
        Endpoint remote = socket.tuple.remote;
        remote.port = socket.passive ? std::uint16_t{0} : remote.port;
        ++suspect.remotes[remote];
    }
    const auto middle = ages.begin() + static_cast<std::ptrdiff_t>(ages.size() / 2);
    std::ranges::nth_element(ages, middle, {}, at_least);
    suspect.median = *middle;
    suspect.oldest = *std::ranges::max_element(ages, {}, at_least);
    suspect.takes_descriptors =
        suspect.key.kind != LeakKind::kUnaccepted &&
        std::ranges::any_of(stuck, [](const Stuck& one) { return !one.socket->orphan; });
}

void LeakBook::add_holders(LeakSuspect& suspect,
                           const std::vector<const LeakSocket*>& sockets) const
{
    std::map<ProcessKey, std::vector<std::uint32_t>> fds;
    for (const LeakSocket* socket : sockets) {
        for (std::uint32_t at = 0; at < socket->holders; ++at) {
            const LeakHolder& holder = last_.holders[socket->first_holder + at];
            fds[holder.process].push_back(holder.fd);
        }
    }
    for (auto& [process, numbers] : fds) {
        suspect.holders[process] = static_cast<std::uint32_t>(numbers.size());
    }
    const auto most =
        std::ranges::max_element(fds, {}, [](const auto& entry) { return entry.second.size(); });
    if (most != fds.end()) {
        suspect.fds_of = most->first;
        suspect.fds = std::move(most->second);
        std::ranges::sort(suspect.fds);
    }
}

void LeakBook::add_growth(LeakSuspect& suspect) const
{
    const auto found = lines_.find(suspect.key);
    if (found == lines_.end() || found->second.points.size() < 3) {
        return;
    }
    const std::deque<Point>& points = found->second.points;
    std::vector<std::pair<double, double>> series;
    series.reserve(points.size());
    for (const Point& point : points) {
        series.emplace_back(static_cast<double>((point.time - points.front().time).count()) /
                                60'000.0,
                            point.count);
    }
    const double minutes = series.back().first;
    if (minutes <= 0.0) {
        return;
    }
    const LeakFlow& then = points.front().flow;
    const LeakFlow& now = points.back().flow;
    suspect.growth_per_min = median_slope(series);
    suspect.growth_over = points.back().time - points.front().time;
    suspect.closed = now.closed - std::min(then.closed, now.closed);
    suspect.opened_per_min =
        static_cast<double>(now.opened - std::min(then.opened, now.opened)) / minutes;
    suspect.closed_per_min = static_cast<double>(suspect.closed) / minutes;
}

} // namespace tcpledger
