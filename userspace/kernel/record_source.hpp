// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Where records come from, a lane or a ring, as one type for RingMerge.
#pragma once

#include "kernel/record_lane.hpp"
#include "kernel/record_ring.hpp"

#include <cstddef>
#include <span>
#include <utility>
#include <variant>

namespace tcpledger {

class RecordSource {
public:
    explicit RecordSource(RecordLane lane) : source_(lane) {}
    explicit RecordSource(RecordRing ring) : source_(std::move(ring)) {}

    [[nodiscard]] RecordRing::Front look()
    {
        auto* lane = std::get_if<RecordLane>(&source_);
        return lane != nullptr ? lane->look() : ring().look();
    }
    [[nodiscard]] std::span<const std::byte> record() const
    {
        const auto* lane = std::get_if<RecordLane>(&source_);
        return lane != nullptr ? lane->record() : std::get_if<RecordRing>(&source_)->record();
    }
    void pop()
    {
        auto* lane = std::get_if<RecordLane>(&source_);
        lane != nullptr ? lane->pop() : ring().pop();
    }
    void give_back()
    {
        auto* lane = std::get_if<RecordLane>(&source_);
        lane != nullptr ? lane->give_back() : ring().give_back();
    }

private:
    RecordRing& ring() { return *std::get_if<RecordRing>(&source_); }

    std::variant<RecordLane, RecordRing> source_;
};

} // namespace tcpledger
