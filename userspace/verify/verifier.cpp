// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "verify/verifier.hpp"

#include <algorithm>
#include <utility>

namespace tcpledger {
namespace {

/// A dump that goes on in the middle of a hash bucket can skip a socket; hardly so often.
constexpr unsigned kLooksThatProve = 3;

/// A tuple comes again and again under churn. Ends of its mini-socket's timer that are further
/// apart than the time of a dump are those of two lives.
constexpr std::chrono::seconds kSameEnd{2};

/// What the books may be behind beside that: the witness takes its time.
constexpr std::chrono::seconds kStateLeeway{8};
constexpr std::chrono::seconds kOwnerLeeway{2};

/// How long censuses may take to mend a loss, on a host that gives them little time.
constexpr std::chrono::seconds kMostRepair{60};

/// Whether both speak of the same difference. That other processes hold a socket too, or that it
/// has changed its state, makes no difference to an owner that is none of them.
bool same_claims(Aspect aspect, const Claims& left, const Claims& right)
{
    if (aspect == Aspect::kOwner) {
        return left.owner == right.owner && left.owner_comm == right.owner_comm;
    }
    return left.kernel == right.kernel && left.books == right.books &&
           left.last_event == right.last_event &&
           std::chrono::abs(left.ends - right.ends) < kSameEnd;
}

} // namespace

SettlingTimes settling_times(const Pace& pace)
{
    // An end that no event told is on the books after two censuses.
    SettlingTimes times{2 * std::max(pace.sweeps, pace.censuses) + pace.lists + kStateLeeway,
                        2 * pace.censuses + kOwnerLeeway};
    if (pace.repairing) {
        times.state = std::max<std::chrono::nanoseconds>(times.state, kMostRepair);
        times.owner = std::max<std::chrono::nanoseconds>(times.owner, kMostRepair);
    }
    return times;
}

std::optional<CheckResult> Verifier::hear(Comparison comparison, MonotonicTime now,
                                          SettlingTimes settling)
{
    if (!checking()) {
        for (auto& [key, claims] : comparison.differences) {
            suspects_.emplace(key, Suspect{claims, now});
        }
        result_.suspects = suspects_.size();
    } else {
        judge(comparison, now, settling);
    }
    ++result_.looks;
    if (!suspects_.empty()) {
        return std::nullopt;
    }
    result_.last = std::move(comparison);
    return std::exchange(result_, {});
}

/// A suspect that is gone or has gone on in its life moved; one that stands still differs.
void Verifier::judge(const Comparison& comparison, MonotonicTime now, SettlingTimes settling)
{
    for (auto suspect = suspects_.begin(); suspect != suspects_.end();) {
        const auto& [key, known] = *suspect;
        const auto found = comparison.differences.find(key);
        if (found == comparison.differences.end() ||
            !same_claims(key.aspect, found->second, known.claims)) {
            suspect = suspects_.erase(suspect);
            continue;
        }
        ++suspect->second.looks;
        const auto patience = key.aspect == Aspect::kState ? settling.state : settling.owner;
        if (known.looks >= kLooksThatProve && now - known.since >= patience) {
            result_.persistent.push_back({key, known.claims, now - known.since});
            suspect = suspects_.erase(suspect);
        } else {
            ++suspect;
        }
    }
}

} // namespace tcpledger
