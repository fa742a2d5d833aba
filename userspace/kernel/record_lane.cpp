// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/record_lane.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace tcpledger {
namespace {

/// One record in so many looks how full its lane is, in a small lane one in a quarter of it.
constexpr std::uint32_t kLookEvery = 64;

} // namespace

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
