// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The lanes of bpf/shared/lane.h as the reader sees them: their mapping, the record at the
// front of one, giving records back. Knows neither libbpf nor what records mean.
#pragma once

#include "base/error.hpp"
#include "kernel/record_ring.hpp"

#include "shared/lane.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace tcpledger {

/// One lane; it must not outlive its memory. Used as a RecordRing is.
class RecordLane {
public:
    /// `slots` has `slot_count` of them, a power of two.
    RecordLane(tl_lane& lane, const tl_slot* slots, std::uint32_t slot_count)
        : lane_(&lane), slots_(slots), mask_(slot_count - 1), number_(lane.consumed)
    {
    }

    [[nodiscard]] RecordRing::Front look()
    {
        const auto* header = reinterpret_cast<const tl_record_header*>(slot(number_));
        if (__atomic_load_n(&header->turn, __ATOMIC_ACQUIRE) !=
            static_cast<std::uint32_t>(number_ + 1)) {
            return __atomic_load_n(&lane_->produced, __ATOMIC_ACQUIRE) == number_
                       ? RecordRing::Front::kEmpty
                       : RecordRing::Front::kBusy;
        }
        __builtin_prefetch(slot(number_ + kFetchedAhead));
        __builtin_prefetch(slot(number_ + kFetchedAhead) + TL_SLOT_BYTES / 2);
        record_ = {reinterpret_cast<const std::byte*>(header),
                   std::min<std::size_t>(header->size_bytes, TL_SLOT_BYTES)};
        return RecordRing::Front::kRecord;
    }
    [[nodiscard]] std::span<const std::byte> record() const { return record_; }
    void pop()
    {
        ++number_;
        record_ = {};
    }
    void give_back() { __atomic_store_n(&lane_->consumed, number_, __ATOMIC_RELEASE); }

private:
    /// So many records before its turn a slot is fetched: it was last in the cache of the CPU that
    /// writes the lane.
    static constexpr std::uint64_t kFetchedAhead = 12;

    [[nodiscard]] const std::uint8_t* slot(std::uint64_t number) const
    {
        return slots_[number & mask_].record;
    }

    tl_lane* lane_;
    const tl_slot* slots_;
    std::uint64_t mask_;
    std::uint64_t number_; ///< of the record at the front; ahead of what was given back
    std::span<const std::byte> record_;
};

/// The memory of all lanes.
class LaneMemory {
public:
    /// A BPF array with BPF_F_MMAPABLE.
    struct Array {
        int fd;
        std::uint32_t entries;
    };

    /// Maps the maps `lanes` and `slots` of the tracer's object.
    [[nodiscard]] static Expected<LaneMemory> map(Array lanes, Array slots,
                                                  std::uint32_t slots_per_lane);
    /// Before the programs are attached: gives slots to the first `lanes` CPUs. `plain`: nothing is
    /// filtered, and nothing told that must be asked for.
    void set_up(std::uint32_t lanes, bool plain);
    /// That of a CPU which has slots.
    [[nodiscard]] RecordLane lane(std::uint32_t cpu) const;

private:
    struct Unmap {
        std::size_t bytes = 0;
        void operator()(void* memory) const noexcept;
    };
    using Mapping = std::unique_ptr<void, Unmap>;

    LaneMemory(Mapping lanes, std::uint32_t cpus, Mapping slots, std::uint32_t slots_per_lane);
    [[nodiscard]] static Expected<Mapping> map_array(int fd, std::size_t bytes);

    Mapping lanes_;
    std::uint32_t cpus_;
    Mapping slots_;
    std::uint32_t slots_per_lane_;
};

} // namespace tcpledger
