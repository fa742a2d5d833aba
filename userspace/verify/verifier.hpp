// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Decides which differences between the books and the kernel are real. One that a look finds is a
// suspect; it is looked at again and again, and only what both sides still claim unchanged after
// the settling time counts. Pure: it is handed comparisons and the time.
#pragma once

#include "verify/comparison.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace tcpledger {

struct PersistentDifference {
    DifferenceKey key;
    Claims claims;
    std::chrono::nanoseconds lasted{}; ///< since it was first seen
};

/// How long the books may take to learn what no event tells.
struct SettlingTimes {
    std::chrono::nanoseconds state{};
    std::chrono::nanoseconds owner{};
};

/// What the session says of itself.
struct Pace {
    std::chrono::nanoseconds sweeps{};   ///< from one to the next
    std::chrono::nanoseconds lists{};    ///< of mini-sockets, where a sweep wants one
    std::chrono::nanoseconds censuses{}; ///< from one to the next
    bool repairing = false;              ///< records were lost; the censuses that mend it go on
};

/// What no event tells is on the books after two sweeps or censuses. A loss takes longer, but not
/// for ever: books that are never whole again do not balance.
[[nodiscard]] SettlingTimes settling_times(const Pace& pace);

/// One check, once it is over.
struct CheckResult {
    std::uint64_t looks = 0;    ///< witnesses heard
    std::uint64_t suspects = 0; ///< differences of the first look
    std::vector<PersistentDifference> persistent;
    Comparison last; ///< the last look
};

class Verifier {
public:
    /// Hears one comparison, the first of a check or a further one. The result when the check is
    /// over; nothing: look again.
    [[nodiscard]] std::optional<CheckResult> hear(Comparison comparison, MonotonicTime now,
                                                  SettlingTimes settling);
    /// Whether a check is under way.
    [[nodiscard]] bool checking() const { return result_.looks > 0; }

private:
    struct Suspect {
        Claims claims;
        MonotonicTime since{};
        unsigned looks = 1;
    };

    void judge(const Comparison& comparison, MonotonicTime now, SettlingTimes settling);

    std::map<DifferenceKey, Suspect> suspects_;
    CheckResult result_;
};

} // namespace tcpledger
