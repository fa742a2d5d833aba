// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "analysis/leak_rules.hpp"

#include <algorithm>
#include <map>
#include <vector>

namespace tcpledger {

std::string_view leak_kind_name(LeakKind kind) noexcept
{
    switch (kind) {
    case LeakKind::kCloseWait:
        return "close_wait";
    case LeakKind::kUnaccepted:
        return "unaccepted";
    case LeakKind::kInherited:
        return "inherited";
    case LeakKind::kIdle:
        return "idle";
    case LeakKind::kFinWait2:
        return "fin_wait2";
    case LeakKind::kSynSent:
        return "syn_sent";
    }
    return "close_wait";
}

std::string_view leak_verdict_name(LeakVerdict verdict) noexcept
{
    return verdict == LeakVerdict::kLeak ? "leak" : "suspect";
}

std::string_view leak_confidence_name(LeakConfidence confidence) noexcept
{
    switch (confidence) {
    case LeakConfidence::kLow:
        return "low";
    case LeakConfidence::kMedium:
        return "medium";
    case LeakConfidence::kHigh:
        return "high";
    }
    return "low";
}

namespace leak_rules {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

/// How often the longest wait that ended is granted again.
constexpr int kGrant = 2;

/// From here on it is "over time": so far the first and the last of them must be apart.
constexpr LeakTime kLeastSpan = seconds(15);
/// An idle connection that came in is the client's to use: only a long watch tells.
constexpr LeakTime kLeastSpanOfServed = minutes(10);
/// What counts as going on now; beyond it, all that is known.
constexpr LeakTime kRecent = minutes(10);
/// A leak that was: a pile that nobody has touched for so long.
constexpr LeakTime kOldPile = minutes(10);
constexpr std::size_t kPileOfServer = 10;
constexpr std::size_t kPileOfClient = 50; ///< beyond what a pool keeps

/// Marks of confidence.
constexpr std::size_t kMany = 10;
constexpr LeakTime kLong = minutes(2);
/// Fewer are called a suspect, whatever else speaks for a leak.
constexpr std::size_t kLeastOfLeak = 5;

LeakTime floor_of(LeakKind kind, const LeakSocket& socket)
{
    switch (kind) {
    case LeakKind::kCloseWait:
        return seconds(15);
    case LeakKind::kUnaccepted:
        return seconds(30);
    case LeakKind::kInherited:
        return socket.state == TcpState::kCloseWait ? seconds(15) : seconds(30);
    case LeakKind::kIdle:
        return socket.passive ? LeakTime(minutes(5)) : LeakTime(seconds(20));
    case LeakKind::kFinWait2:
        return seconds(30);
    case LeakKind::kSynSent:
        return seconds(10); // the SYN was sent four times
    }
    return seconds(15);
}

std::size_t least_of(LeakKind kind, bool passive)
{
    switch (kind) {
    case LeakKind::kCloseWait:
    case LeakKind::kUnaccepted:
    case LeakKind::kInherited:
    case LeakKind::kSynSent:
        return 3;
    case LeakKind::kIdle:
        return passive ? 10 : 4;
    case LeakKind::kFinWait2:
        return 5;
    }
    return 3;
}

/// How long ago it came: began to wait, or was opened where nobody says when the use of it ended.
std::optional<LeakTime> since_arrival(LeakKind kind, const LeakSocket& socket)
{
    const bool by_opening =
        kind == LeakKind::kIdle || (kind == LeakKind::kCloseWait && !socket.passive);
    return by_opening ? socket.since_opened : std::optional(age_of(socket));
}

/// Whether they came one after another until the end: the time from the first of those of the last
/// `recent` to the moment from which none can have waited long enough, in three equal parts, has
/// one in each. The length of that time; nothing if not.
std::optional<LeakTime> span_of(const Evidence& evidence, LeakTime recent)
{
    std::vector<LeakTime> ago;
    for (const Stuck& stuck : evidence.stuck) {
        const auto since = since_arrival(evidence.kind, *stuck.socket);
        if (since && *since - evidence.patience <= recent) {
            ago.push_back(*since);
        }
    }
    if (ago.size() < least_of(evidence.kind, evidence.passive)) {
        return std::nullopt;
    }
    const LeakTime span = std::ranges::max(ago) - evidence.patience;
    const bool served_idle = evidence.kind == LeakKind::kIdle && evidence.passive;
    if (span < (served_idle ? kLeastSpanOfServed : kLeastSpan)) {
        return std::nullopt;
    }
    bool parts[3] = {};
    for (const LeakTime since : ago) {
        const LeakTime behind = std::clamp(since - evidence.patience, LeakTime(0), span);
        parts[std::min<std::int64_t>(behind.count() * 3 / span.count(), 2)] = true;
    }
    return parts[0] && parts[1] && parts[2] ? std::optional(span) : std::nullopt;
}

std::optional<LeakTime> span_of(const Evidence& evidence)
{
    const auto all = span_of(evidence, LeakTime::max());
    return all ? all : span_of(evidence, kRecent);
}

LeakTime longest_wait(std::span<const Stuck> stuck)
{
    return std::ranges::max_element(stuck, {}, &Stuck::waited)->waited;
}

/// A process of several: what it alone holds of them.
bool one_holds(std::span<const Stuck> stuck, std::size_t least)
{
    std::map<ProcessKey, std::size_t> counts;
    for (const Stuck& one : stuck) {
        if (++counts[one.socket->owner] >= least) {
            return true;
        }
    }
    return false;
}

bool is_old_pile(const Evidence& evidence)
{
    const auto old = std::ranges::count_if(
        evidence.stuck, [](const Stuck& stuck) { return stuck.waited >= kOldPile; });
    return static_cast<std::size_t>(old) >= (evidence.passive ? kPileOfServer : kPileOfClient);
}

/// Another may be at fault, or nothing is lost but time.
bool is_suspect_at_most(const Evidence& evidence)
{
    switch (evidence.kind) {
    case LeakKind::kFinWait2:
    case LeakKind::kSynSent:
        return true;
    case LeakKind::kIdle:
        return evidence.passive;
    case LeakKind::kInherited:
        return std::ranges::none_of(evidence.stuck, [](const Stuck& stuck) {
            return stuck.socket->state == TcpState::kCloseWait;
        });
    case LeakKind::kCloseWait:
    case LeakKind::kUnaccepted:
        return false;
    }
    return false;
}

Judgement graded(const Evidence& evidence, LeakTime span)
{
    const int marks = (evidence.stuck.size() >= kMany ? 1 : 0) + (span >= kLong ? 1 : 0);
    Judgement judgement;
    judgement.span = span;
    judgement.confidence = static_cast<LeakConfidence>(marks);
    const bool leak =
        marks > 0 && evidence.stuck.size() >= kLeastOfLeak && !is_suspect_at_most(evidence);
    judgement.verdict = leak ? LeakVerdict::kLeak : LeakVerdict::kSuspect;
    return judgement;
}

/// Only what the peer has closed too: an established one may be what that child is there for.
std::optional<LeakTime> span_of_children(const Evidence& evidence)
{
    std::vector<Stuck> closed;
    std::ranges::copy_if(evidence.stuck, std::back_inserter(closed), [](const Stuck& stuck) {
        return stuck.socket->state == TcpState::kCloseWait;
    });
    Evidence of_these = evidence;
    of_these.stuck = closed;
    return span_of(of_these);
}

} // namespace

std::optional<LeakKind> kind_of(const LeakSocket& socket) noexcept
{
    const bool open =
        socket.state == TcpState::kEstablished || socket.state == TcpState::kCloseWait;
    if (socket.unaccepted) {
        return open ? std::optional(LeakKind::kUnaccepted) : std::nullopt;
    }
    if (open && socket.inherited) {
        return LeakKind::kInherited;
    }
    if (open) {
        return socket.state == TcpState::kCloseWait ? LeakKind::kCloseWait : LeakKind::kIdle;
    }
    if (socket.state == TcpState::kFinWait2) {
        return LeakKind::kFinWait2;
    }
    return socket.state == TcpState::kSynSent ? std::optional(LeakKind::kSynSent) : std::nullopt;
}

LeakTime age_of(const LeakSocket& socket) noexcept
{
    if (!socket.in_state_is_lower_bound) {
        return socket.in_state;
    }
    return std::max(socket.in_state, socket.since_segment.value_or(LeakTime(0)));
}

std::optional<LeakTime> waited(const LeakSocket& socket) noexcept
{
    const auto kind = kind_of(socket);
    if (!kind || !socket.seen) {
        return std::nullopt;
    }
    const LeakTime age = age_of(socket);
    if (*kind == LeakKind::kUnaccepted) {
        return std::max(age, socket.since_opened.value_or(age));
    }
    if (socket.state == TcpState::kEstablished) {
        if (!socket.since_data_came || !socket.since_data_went) {
            return std::nullopt;
        }
        return std::min(*socket.since_data_came, *socket.since_data_went);
    }
    if (socket.state == TcpState::kCloseWait) { // half closed by design: it still sends
        return std::min(age, socket.since_data_went.value_or(age));
    }
    if (socket.state == TcpState::kFinWait2) { // the peer still sends
        return std::min(age, socket.since_data_came.value_or(age));
    }
    return age;
}

LeakTime patience(const LeakSocket& socket, LeakTime longest) noexcept
{
    const auto kind = kind_of(socket);
    return kind ? std::max(floor_of(*kind, socket), kGrant * longest) : LeakTime::max();
}

std::optional<Judgement> judge(const Evidence& evidence)
{
    const std::size_t least = least_of(evidence.kind, evidence.passive);
    if (evidence.stuck.size() < least) {
        return std::nullopt;
    }
    std::optional<LeakTime> span;
    switch (evidence.kind) {
    case LeakKind::kUnaccepted: // the queue is served in turn: nobody behind it was accepted
        span = longest_wait(evidence.stuck);
        break;
    case LeakKind::kSynSent:
        span = evidence.answers ? std::nullopt : std::optional(longest_wait(evidence.stuck));
        break;
    case LeakKind::kInherited:
        span = one_holds(evidence.stuck, least) ? std::optional(longest_wait(evidence.stuck))
                                                : span_of_children(evidence);
        break;
    case LeakKind::kCloseWait:
        span = span_of(evidence);
        if (!span && is_old_pile(evidence)) {
            Judgement old = graded(evidence, longest_wait(evidence.stuck));
            old.verdict = LeakVerdict::kSuspect; // it does not go on
            return old;
        }
        break;
    case LeakKind::kIdle:
    case LeakKind::kFinWait2:
        span = span_of(evidence);
        break;
    }
    return span ? std::optional(graded(evidence, *span)) : std::nullopt;
}

} // namespace leak_rules
} // namespace tcpledger
