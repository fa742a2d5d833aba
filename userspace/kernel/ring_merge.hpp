// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Several rings as one stream, ordered by time. A ring is anything that has look(),
// record(), pop() and give_back() as RecordRing does; each record begins with a
// tl_record_header. Knows neither libbpf nor clocks.
#pragma once

#include "kernel/record_ring.hpp"

#include "shared/events.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

namespace tcpledger {

/// Takes the oldest records first, whichever ring they are in.
template <typename Ring> class RingMerge {
public:
    explicit RingMerge(std::vector<Ring>& rings) : rings_(rings) {}

    /// Calls sink(data, size_bytes) for each record of a time up to `horizon_ns`, which the
    /// caller must have read from CLOCK_MONOTONIC before the call. What happened before
    /// something else, on whatever CPUs, is handed on before it: the time of a record was read
    /// before it was reserved, so what follows a record that is not in its ring yet is younger
    /// than the horizon. A record that is still being written ends the drain;
    /// the next one finds it. Returns the number of records.
    template <typename Sink> std::size_t drain(std::uint64_t horizon_ns, Sink&& sink)
    {
        std::size_t taken = 0;
        bool complete = true;
        heads_.clear();
        for (std::size_t number = 0; number < rings_.size(); ++number) {
            const RecordRing::Front front = rings_[number].look();
            complete = complete && front != RecordRing::Front::kBusy;
            if (front == RecordRing::Front::kRecord) {
                heads_.push_back({time_of(rings_[number].record()), number});
                std::ranges::push_heap(heads_, later);
            }
        }
        while (complete && !heads_.empty() && heads_.front().time_ns <= horizon_ns) {
            Head& oldest = heads_.front();
            Ring& ring = rings_[oldest.ring];
            const RecordRing::Front front =
                take_run(ring, std::min(horizon_ns, second_ns()), taken, sink);
            complete = front != RecordRing::Front::kBusy;
            if (front == RecordRing::Front::kRecord) {
                oldest.time_ns = time_of(ring.record());
                sink_oldest();
            } else {
                std::ranges::pop_heap(heads_, later);
                heads_.pop_back();
            }
        }
        for (Ring& ring : rings_) {
            ring.give_back();
        }
        return taken;
    }

private:
    /// Each return of memory takes a cache line away from the programs, so they are few.
    static constexpr std::size_t kGiveBackEvery = 64;

    struct Head {
        std::uint64_t time_ns;
        std::size_t ring;
    };

    static bool later(const Head& left, const Head& right) { return left.time_ns > right.time_ns; }

    /// Hands on the ring's front record, and those behind it up to `until_ns`; `taken` counts.
    /// What stands at the front then.
    template <typename Sink>
    static RecordRing::Front take_run(Ring& ring, std::uint64_t until_ns, std::size_t& taken,
                                      Sink& sink)
    {
        RecordRing::Front front{};
        do {
            const auto record = ring.record();
            sink(static_cast<const void*>(record.data()), record.size());
            ring.pop();
            if (++taken % kGiveBackEvery == 0) {
                ring.give_back();
            }
            front = ring.look();
        } while (front == RecordRing::Front::kRecord && time_of(ring.record()) <= until_ns);
        return front;
    }

    /// The time of the oldest head but the first.
    [[nodiscard]] std::uint64_t second_ns() const
    {
        std::uint64_t second_ns = std::numeric_limits<std::uint64_t>::max();
        for (std::size_t at = 1; at < std::min<std::size_t>(heads_.size(), 3); ++at) {
            second_ns = std::min(second_ns, heads_[at].time_ns);
        }
        return second_ns;
    }

    /// The first head has become younger: the heap is one again.
    void sink_oldest()
    {
        for (std::size_t at = 0, child = 1; child < heads_.size(); child = 2 * at + 1) {
            if (child + 1 < heads_.size() && later(heads_[child], heads_[child + 1])) {
                ++child;
            }
            if (!later(heads_[at], heads_[child])) {
                return;
            }
            std::swap(heads_[at], heads_[child]);
            at = child;
        }
    }

    /// A record too short for a time goes first, so that it is counted and gone.
    static std::uint64_t time_of(std::span<const std::byte> record)
    {
        std::uint64_t time_ns = 0;
        if (record.size() >= sizeof(tl_record_header)) {
            std::memcpy(&time_ns, record.data(), sizeof(time_ns));
        }
        return time_ns;
    }

    std::vector<Ring>& rings_;
    std::vector<Head> heads_;
};

} // namespace tcpledger
