// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/record_lane.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace tcpledger {
namespace {

using Front = RecordRing::Front;

constexpr std::uint32_t kSlots = 8;

/// The program's side of a lane in plain memory.
class RecordLaneTest : public testing::Test {
protected:
    void reserve() { ++lane_.produced; }
    /// Hands over record `number` (from 0), of `size` bytes by its own word.
    void hand_over(std::uint64_t number, std::uint16_t size = sizeof(tl_transition))
    {
        tl_record_header header{};
        header.time_ns = number;
        header.size_bytes = size;
        header.turn = static_cast<std::uint32_t>(number + 1);
        std::memcpy(slots_[number % kSlots].record, &header, sizeof(header));
    }
    void write(std::uint64_t number)
    {
        reserve();
        hand_over(number);
    }
    static std::uint64_t number_of(const RecordLane& lane)
    {
        tl_record_header header{};
        std::memcpy(&header, lane.record().data(), sizeof(header));
        return header.time_ns;
    }

    tl_lane lane_{};
    std::vector<tl_slot> slots_ = std::vector<tl_slot>(kSlots);
};

TEST_F(RecordLaneTest, is_empty_until_something_is_reserved)
{
    RecordLane lane(lane_, slots_.data(), kSlots);
    EXPECT_EQ(lane.look(), Front::kEmpty);
    reserve();
    EXPECT_EQ(lane.look(), Front::kBusy);
    hand_over(0);
    EXPECT_EQ(lane.look(), Front::kRecord);
}

TEST_F(RecordLaneTest, tells_a_slot_of_this_round_from_one_of_the_last)
{
    RecordLane lane(lane_, slots_.data(), kSlots);
    for (std::uint64_t number = 0; number < 5 * kSlots; ++number) {
        EXPECT_EQ(lane.look(), Front::kEmpty) << number;
        write(number);
        ASSERT_EQ(lane.look(), Front::kRecord) << number;
        EXPECT_EQ(number_of(lane), number);
        EXPECT_EQ(lane.record().size(), sizeof(tl_transition));
        lane.pop();
    }
}

TEST_F(RecordLaneTest, goes_on_beyond_32_bits)
{
    constexpr std::uint64_t kBefore = (1ULL << 32U) - 1;
    for (std::uint64_t number = kBefore - kSlots; number < kBefore; ++number) {
        hand_over(number);
    }
    lane_.produced = lane_.consumed = kBefore;
    RecordLane lane(lane_, slots_.data(), kSlots);
    for (std::uint64_t number = kBefore; number < kBefore + 3; ++number) {
        reserve();
        EXPECT_EQ(lane.look(), Front::kBusy);
        hand_over(number);
        ASSERT_EQ(lane.look(), Front::kRecord);
        lane.pop();
    }
}

TEST_F(RecordLaneTest, gives_back_only_what_was_popped)
{
    RecordLane lane(lane_, slots_.data(), kSlots);
    write(0);
    write(1);
    ASSERT_EQ(lane.look(), Front::kRecord);
    lane.pop();
    EXPECT_EQ(lane_.consumed, 0U);
    lane.give_back();
    EXPECT_EQ(lane_.consumed, 1U);
}

TEST_F(RecordLaneTest, never_reads_beyond_a_slot)
{
    RecordLane lane(lane_, slots_.data(), kSlots);
    reserve();
    hand_over(0, 0xffff);
    ASSERT_EQ(lane.look(), Front::kRecord);
    EXPECT_EQ(lane.record().size(), std::size_t{TL_SLOT_BYTES});
}

} // namespace
} // namespace tcpledger
