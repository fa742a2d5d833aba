// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/record_lane.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace tcpledger {

RecordRing::Front RecordLane::look()
{
    const std::uint8_t* slot = slots_[number_ & mask_].record;
    const auto* header = reinterpret_cast<const tl_record_header*>(slot);
    if (__atomic_load_n(&header->turn, __ATOMIC_ACQUIRE) !=
        static_cast<std::uint32_t>(number_ + 1)) {
        return __atomic_load_n(&lane_->produced, __ATOMIC_ACQUIRE) == number_
                   ? RecordRing::Front::kEmpty
                   : RecordRing::Front::kBusy;
    }
    record_ = {reinterpret_cast<const std::byte*>(slot),
               std::min<std::size_t>(header->size_bytes, TL_SLOT_BYTES)};
    return RecordRing::Front::kRecord;
}

Expected<LaneMemory> LaneMemory::map(int lanes_fd, int slots_fd, std::uint32_t lane_count,
                                     std::uint32_t slots_per_lane)
{
    auto lanes = map_array(lanes_fd, lane_count * sizeof(tl_lane));
    if (!lanes) {
        return tl::unexpected(lanes.error());
    }
    auto slots = map_array(slots_fd, std::size_t{lane_count} * slots_per_lane * sizeof(tl_slot));
    if (!slots) {
        return tl::unexpected(slots.error());
    }
    return LaneMemory(std::move(*lanes), std::move(*slots), slots_per_lane);
}

LaneMemory::LaneMemory(Mapping lanes, Mapping slots, std::uint32_t slots_per_lane)
    : lanes_(std::move(lanes)), slots_(std::move(slots)), slots_per_lane_(slots_per_lane)
{
}

RecordLane LaneMemory::lane(std::uint32_t number) const
{
    const auto first = std::size_t{number} * slots_per_lane_;
    return {static_cast<tl_lane*>(lanes_.get())[number],
            static_cast<const tl_slot*>(slots_.get()) + first, slots_per_lane_};
}

Expected<LaneMemory::Mapping> LaneMemory::map_array(int fd, std::size_t bytes)
{
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        return tl::unexpected(Error::from_errno("cannot map the memory of records"));
    }
    return Mapping(memory, Unmap{bytes});
}

void LaneMemory::Unmap::operator()(void* memory) const noexcept
{
    ::munmap(memory, bytes);
}

} // namespace tcpledger
