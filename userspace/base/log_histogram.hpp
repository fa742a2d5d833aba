// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Counts of values in log-linear buckets, as HDR histograms have them: each power of two is cut
// into 2^Bits buckets of one width, so that a percentile is wrong by at most 2^-(Bits+1) of itself,
// whatever the values. Pure; a value has no unit here.
//
// Only the octaves between the smallest and the largest value so far are there, at most
// kMaxBuckets of 8 bytes.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace tcpledger {

template <unsigned Bits> class LogHistogram {
public:
    static_assert(Bits >= 1 && Bits <= 8);

    static constexpr std::size_t kPerOctave = std::size_t{1} << Bits;
    static constexpr std::size_t kMaxBuckets = (65 - Bits) * kPerOctave;
    /// A percentile p is told as a value between p · (1 − error) and p · (1 + error).
    static constexpr double kRelativeError = 0.5 / static_cast<double>(kPerOctave);

    void add(std::uint64_t value, std::uint64_t times = 1)
    {
        if (times == 0) {
            return;
        }
        min_ = std::min(min_, value);
        max_ = std::max(max_, value);
        count_ += times;
        const std::size_t bucket = bucket_of(value);
        if (bucket - first_ >= counts_.size()) { // also where bucket < first_: it wraps
            make_room(bucket);
        }
        counts_[bucket - first_] += times;
    }

    void merge(const LogHistogram& other)
    {
        if (other.count_ == 0) {
            return;
        }
        make_room(bucket_of(other.min_));
        make_room(bucket_of(other.max_));
        for (std::size_t at = 0; at < other.counts_.size(); ++at) {
            if (other.counts_[at] != 0) {
                counts_[other.first_ + at - first_] += other.counts_[at];
            }
        }
        min_ = std::min(min_, other.min_);
        max_ = std::max(max_, other.max_);
        count_ += other.count_;
    }

    /// Without values, but with their buckets: the next ones are likely to be alike.
    void clear()
    {
        std::ranges::fill(counts_, 0U);
        count_ = 0;
        min_ = std::numeric_limits<std::uint64_t>::max();
        max_ = 0;
    }

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    /// Exact; 0 of nothing.
    [[nodiscard]] std::uint64_t min() const noexcept { return empty() ? 0 : min_; }
    [[nodiscard]] std::uint64_t max() const noexcept { return max_; }

    /// The smallest value that `share` (0 to 1) of all values do not exceed: the middle of its
    /// bucket, or the exact end of the range where that is nearer. 0 of nothing.
    [[nodiscard]] std::uint64_t quantile(double share) const
    {
        if (empty()) {
            return 0;
        }
        const double wanted = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count_));
        if (wanted >= static_cast<double>(count_)) {
            return max_;
        }
        const auto rank = std::max<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1);
        std::uint64_t seen = 0;
        for (std::size_t at = 0; at < counts_.size(); ++at) {
            seen += counts_[at];
            if (seen >= rank) {
                return std::clamp(middle_of(first_ + at), min_, max_);
            }
        }
        return max_;
    }

    /// Calls visit(middle, times) for each bucket that holds something, smallest first.
    template <typename Visit> void for_each(Visit&& visit) const
    {
        for (std::size_t at = 0; at < counts_.size(); ++at) {
            if (counts_[at] != 0) {
                visit(std::clamp(middle_of(first_ + at), min_, max_), counts_[at]);
            }
        }
    }

    /// What it occupies beside itself.
    [[nodiscard]] std::size_t memory_bytes() const noexcept
    {
        return counts_.capacity() * sizeof(std::uint64_t);
    }

private:
    /// Values below kPerOctave have a bucket each; from there on, each octave has kPerOctave.
    static std::size_t bucket_of(std::uint64_t value) noexcept
    {
        if (value < kPerOctave) {
            return static_cast<std::size_t>(value);
        }
        const auto octave = static_cast<unsigned>(std::bit_width(value)) - Bits - 1;
        return (octave << Bits) + static_cast<std::size_t>(value >> octave);
    }

    static std::uint64_t middle_of(std::size_t bucket) noexcept
    {
        if (bucket < 2 * kPerOctave) {
            return bucket;
        }
        const std::size_t octave = (bucket >> Bits) - 1;
        const std::uint64_t lowest = std::uint64_t{bucket - (octave << Bits)} << octave;
        return lowest + ((std::uint64_t{1} << octave) - 1) / 2;
    }

    /// Grows by whole octaves and to the exact size.
    void make_room(std::size_t bucket)
    {
        const std::size_t end = first_ + counts_.size();
        const bool fresh = counts_.empty();
        const std::size_t octave = bucket - bucket % kPerOctave;
        const std::size_t from = fresh ? octave : std::min(first_, octave);
        const std::size_t to = fresh ? octave + kPerOctave : std::max(end, octave + kPerOctave);
        if (to - from == counts_.size()) {
            return;
        }
        std::vector<std::uint64_t> larger(to - from);
        std::ranges::copy(counts_,
                          larger.begin() + static_cast<std::ptrdiff_t>(fresh ? 0 : first_ - from));
        counts_ = std::move(larger);
        first_ = from;
    }

    std::vector<std::uint64_t> counts_;
    std::size_t first_ = 0; ///< the bucket of counts_[0]
    std::uint64_t count_ = 0;
    std::uint64_t min_ = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t max_ = 0;
};

} // namespace tcpledger
