// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Watches samples go by and says who leaks: remembers of each socket what it waited for, and of
// each process and peer how many there were. Pure: time comes with the samples.
//
// It keeps one entry for each socket of the last sample, and some points of time for each process
// and peer that has several waiting.
#pragma once

#include "analysis/leak_rules.hpp"
#include "analysis/leak_sample.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

namespace tcpledger {

/// What makes a suspect one suspect.
struct LeakKey {
    LeakKind kind = LeakKind::kCloseWait;
    ProcessKey process; ///< inherited: who opened them, where that is known
    LeakPeer peer;

    auto operator<=>(const LeakKey&) const = default;
};

/// Ages as people want them: exact where the beginning was watched, else at least so much.
struct LeakAge {
    LeakTime age{};
    bool is_lower_bound = false;
    /// Told by the socket's last segment; nothing where the age is exact or it tells no more.
    std::optional<LeakTime> estimate;
};

struct LeakSuspect {
    LeakKey key;
    leak_rules::Judgement judgement;
    std::uint32_t count = 0;              ///< sockets of the kind
    std::uint32_t stuck = 0;              ///< of these, that have waited too long
    std::uint32_t older_count = 0;        ///< of these, older than the view
    LeakTime patience{};                  ///< what is too long
    std::optional<LeakTime> longest_wait; ///< that came to its end
    /// Over the last `growth_over`; nothing with too few samples.
    std::optional<double> growth_per_min;
    std::optional<double> opened_per_min;
    std::optional<double> closed_per_min;
    std::uint64_t closed = 0; ///< in that time, of this process and peer
    LeakTime growth_over{};
    LeakAge oldest; ///< of those stuck
    LeakAge median;
    std::uint64_t unread_bytes = 0;
    std::uint32_t unread_ends = 0;               ///< sockets whose end of stream was not read
    std::map<Endpoint, std::uint32_t> remotes;   ///< passive: without ports
    std::map<ProcessKey, std::uint32_t> holders; ///< by sockets; processes with a descriptor
    /// The numbers that the holder with most of them has, in order.
    std::vector<std::uint32_t> fds;
    std::optional<ProcessKey> fds_of;
    bool takes_descriptors = false;
    std::vector<std::uint64_t> cookies; ///< of those stuck

    /// Until a process with so many descriptors left has none; nothing where they do not grow.
    [[nodiscard]] std::optional<LeakTime> until_exhausted(std::uint64_t descriptors_left) const;
};

class LeakBook {
public:
    /// The growth is that of so much time.
    static constexpr LeakTime kGrowthOver = std::chrono::minutes(10);

    /// The next sample. Those before are not needed any more.
    void add(LeakSample sample, const LeakFlows& flows);

    /// By the last sample: the surest first, then those with most sockets.
    [[nodiscard]] std::vector<LeakSuspect> suspects() const;

    [[nodiscard]] const LeakSample& last() const { return last_; }
    [[nodiscard]] std::size_t samples() const { return samples_; }
    /// From the first sample to the last.
    [[nodiscard]] LeakTime observed() const { return last_.time - first_; }

private:
    struct Waiting {
        LeakKey key;
        ProcessKey owner;
        std::optional<LeakTime> waited;
        LeakTime at{}; ///< when that was so
    };
    struct Point {
        LeakTime time{};
        std::uint32_t count = 0;
        LeakFlow flow;
    };
    /// Of one process and peer: one point a sample, for as long as several are waiting.
    struct Line {
        std::deque<Point> points;
        std::optional<Point> before; ///< the last with too few to be kept
    };

    void note_ends(const std::unordered_map<std::uint64_t, Waiting>& now);
    void note_end(const Waiting& waiting, LeakTime ended);
    void note_counts(const LeakFlows& flows);
    [[nodiscard]] LeakTime longest_of(const LeakKey& key) const;
    void judge_line(const LeakKey& key, const std::vector<const LeakSocket*>& sockets,
                    std::vector<LeakSuspect>& suspects) const;
    void add_growth(LeakSuspect& suspect) const;
    static void add_figures(LeakSuspect& suspect, const std::vector<const LeakSocket*>& sockets,
                            const std::vector<leak_rules::Stuck>& stuck);
    void add_holders(LeakSuspect& suspect, const std::vector<const LeakSocket*>& sockets) const;

    LeakSample last_;
    LeakTime first_{};
    std::size_t samples_ = 0;
    std::unordered_map<std::uint64_t, Waiting> waiting_; ///< by cookie
    /// The longest wait that came to its end; of idle ones by process, not by peer.
    std::map<LeakKey, LeakTime> longest_;
    std::map<LeakKey, Line> lines_;
    std::map<std::pair<ProcessKey, LeakPeer>, std::uint32_t> established_; ///< in the last sample
};

} // namespace tcpledger
