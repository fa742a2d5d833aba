// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/record_lane.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace tcpledger {
namespace {

/// So many records before its turn a slot is fetched: it was last in the cache of the CPU that
/// writes the lane.
constexpr std::uint64_t kFetchedAhead = 12;

/// One record in so many looks how full its lane is, in a small lane one in a quarter of it.
constexpr std::uint32_t kLookEvery = 64;

} // namespace

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
    const std::uint8_t* later = slots_[(number_ + kFetchedAhead) & mask_].record;
    __builtin_prefetch(later);
    __builtin_prefetch(later + TL_SLOT_BYTES / 2);
    record_ = {reinterpret_cast<const std::byte*>(slot),
               std::min<std::size_t>(header->size_bytes, TL_SLOT_BYTES)};
    return RecordRing::Front::kRecord;
}

Expected<LaneMemory> LaneMemory::map(Array lanes, Array slots, std::uint32_t slots_per_lane)
{
    auto lane_memory = map_array(lanes.fd, lanes.entries * sizeof(tl_lane));
    if (!lane_memory) {
        return tl::unexpected(lane_memory.error());
    }
    auto slot_memory = map_array(slots.fd, slots.entries * sizeof(tl_slot));
    if (!slot_memory) {
        return tl::unexpected(slot_memory.error());
    }
    return LaneMemory(std::move(*lane_memory), lanes.entries, std::move(*slot_memory),
                      slots_per_lane);
}

LaneMemory::LaneMemory(Mapping lanes, std::uint32_t cpus, Mapping slots,
                       std::uint32_t slots_per_lane)
    : lanes_(std::move(lanes)), cpus_(cpus), slots_(std::move(slots)),
      slots_per_lane_(slots_per_lane)
{
}

void LaneMemory::set_up(std::uint32_t lanes, bool plain)
{
    auto* settings = static_cast<tl_lane*>(lanes_.get());
    for (std::uint32_t cpu = 0; cpu < cpus_; ++cpu) {
        settings[cpu].first_slot = cpu * slots_per_lane_;
        settings[cpu].slot_count = cpu < lanes ? slots_per_lane_ : 0;
        settings[cpu].look_mask = std::min(slots_per_lane_ / 4, kLookEvery) - 1;
        settings[cpu].is_plain = plain ? 1 : 0;
    }
}

RecordLane LaneMemory::lane(std::uint32_t cpu) const
{
    const auto first = std::size_t{cpu} * slots_per_lane_;
    return {static_cast<tl_lane*>(lanes_.get())[cpu],
            static_cast<const tl_slot*>(slots_.get()) + first, slots_per_lane_};
}

void LaneMemory::mark_seen()
{
    auto* lanes = static_cast<tl_lane*>(lanes_.get());
    for (std::uint32_t cpu = 0; cpu < cpus_; ++cpu) {
        __atomic_store_n(&lanes[cpu].marks_seen, std::uint8_t{1}, __ATOMIC_RELEASE);
    }
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
