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
#include <functional>
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
            complete = enter(number) && complete;
        }
        while (complete && !heads_.empty()) {
            std::pop_heap(heads_.begin(), heads_.end(), later);
            const Head head = heads_.back();
            heads_.pop_back();
            if (head.time_ns > horizon_ns) {
                break;
            }
            const std::uint64_t next_ns = heads_.empty() ? horizon_ns : heads_.front().time_ns;
            take_run(rings_[head.ring], std::min(horizon_ns, next_ns), taken, sink);
            complete = enter(head.ring);
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

    /// Hands on the ring's front record, and those behind it up to `until_ns`; `taken` counts.
    template <typename Sink>
    static void take_run(Ring& ring, std::uint64_t until_ns, std::size_t& taken, Sink& sink)
    {
        do {
            const auto record = ring.record();
            sink(static_cast<const void*>(record.data()), record.size());
            ring.pop();
            if (++taken % kGiveBackEvery == 0) {
                ring.give_back();
            }
        } while (ring.look() == RecordRing::Front::kRecord && time_of(ring.record()) <= until_ns);
    }

    static bool later(const Head& left, const Head& right) { return left.time_ns > right.time_ns; }

    /// Puts the ring's front record among the heads; false when it is still being written.
    bool enter(std::size_t number)
    {
        const RecordRing::Front front = rings_[number].look();
        if (front == RecordRing::Front::kRecord) {
            heads_.push_back({time_of(rings_[number].record()), number});
            std::push_heap(heads_.begin(), heads_.end(), later);
        }
        return front != RecordRing::Front::kBusy;
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
