// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/ring_merge.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <limits>

namespace tcpledger {
namespace {

constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();

/// A ring in plain memory; its records are headers, told apart by `kind`.
class FakeRing {
public:
    void write(std::uint64_t time_ns, std::uint16_t kind)
    {
        records_.push_back({time_ns, kind, sizeof(tl_record_header), 0});
    }
    void write_short() { short_record_ = true; }
    void set_busy_after(std::size_t records) { busy_after_ = records; }

    RecordRing::Front look()
    {
        if (short_record_) {
            return RecordRing::Front::kRecord;
        }
        if (popped_ == busy_after_) {
            return RecordRing::Front::kBusy;
        }
        return records_.empty() ? RecordRing::Front::kEmpty : RecordRing::Front::kRecord;
    }
    [[nodiscard]] std::span<const std::byte> record() const
    {
        static constexpr std::byte kByte{};
        return short_record_ ? std::span(&kByte, 1)
                             : std::as_bytes(std::span(&records_.front(), 1));
    }
    void pop()
    {
        if (short_record_) {
            short_record_ = false;
            return;
        }
        records_.pop_front();
        ++popped_;
    }
    void give_back() { given_back_ = popped_; }

    [[nodiscard]] std::size_t given_back() const { return given_back_; }

private:
    std::deque<tl_record_header> records_;
    bool short_record_ = false;
    std::size_t busy_after_ = std::numeric_limits<std::size_t>::max();
    std::size_t popped_ = 0;
    std::size_t given_back_ = 0;
};

/// The kinds in the order they came; 0 for a record too short to have one.
std::vector<int> drain(RingMerge<FakeRing>& merge, std::uint64_t horizon_ns = kForever)
{
    std::vector<int> kinds;
    const std::size_t taken = merge.drain(horizon_ns, [&](const void* data, std::size_t size) {
        tl_record_header header{};
        if (size == sizeof(header)) {
            std::memcpy(&header, data, size);
        }
        kinds.push_back(header.kind);
    });
    EXPECT_EQ(taken, kinds.size());
    return kinds;
}

TEST(RingMerge, takes_the_oldest_of_all_rings_first)
{
    std::vector<FakeRing> rings(3);
    rings[0].write(10, 1);
    rings[0].write(40, 4);
    rings[1].write(20, 2);
    rings[1].write(50, 5);
    rings[2].write(30, 3);
    RingMerge<FakeRing> merge(rings);
    EXPECT_EQ(drain(merge), (std::vector{1, 2, 3, 4, 5}));
    EXPECT_TRUE(drain(merge).empty());
}

TEST(RingMerge, leaves_what_is_younger_than_the_horizon_for_the_next_drain)
{
    std::vector<FakeRing> rings(2);
    rings[0].write(10, 1);
    rings[0].write(30, 3);
    rings[1].write(31, 4);
    RingMerge<FakeRing> merge(rings);
    EXPECT_EQ(drain(merge, 20), (std::vector{1}));
    rings[1].write(32, 5);
    EXPECT_EQ(drain(merge, 30), (std::vector{3})); // the horizon itself belongs to it
    EXPECT_EQ(drain(merge), (std::vector{4, 5}));
}

TEST(RingMerge, stops_at_a_record_that_is_still_being_written)
{
    std::vector<FakeRing> rings(2);
    rings[0].write(10, 1);
    rings[0].write(20, 2);
    rings[0].set_busy_after(1);
    rings[1].write(15, 7);
    rings[1].write(30, 9);
    RingMerge<FakeRing> merge(rings);
    EXPECT_EQ(drain(merge), (std::vector{1})); // 7 may be younger than what is being written
    EXPECT_TRUE(drain(merge).empty());
    rings[0].set_busy_after(99);
    EXPECT_EQ(drain(merge), (std::vector{7, 2, 9}));
}

TEST(RingMerge, hands_on_a_record_too_short_for_a_time)
{
    std::vector<FakeRing> rings(2);
    rings[0].write(10, 1);
    rings[1].write_short();
    RingMerge<FakeRing> merge(rings);
    EXPECT_EQ(drain(merge), (std::vector{0, 1}));
}

TEST(RingMerge, gives_all_memory_back_at_the_end)
{
    std::vector<FakeRing> rings(2);
    for (std::uint64_t time = 0; time < 1000; ++time) {
        rings[time % 2].write(time, 1);
    }
    RingMerge<FakeRing> merge(rings);
    EXPECT_EQ(drain(merge).size(), 1000U);
    EXPECT_EQ(rings[0].given_back(), 500U);
    EXPECT_EQ(rings[1].given_back(), 500U);
}

} // namespace
} // namespace tcpledger
