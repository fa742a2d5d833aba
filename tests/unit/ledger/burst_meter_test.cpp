// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// When more happens than usual, and when it does not: made of events at known times.
#include "ledger/burst_meter.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;

struct Bursts : testing::Test {
    BurstMeter meter;
    MonotonicTime now = 1000s;
    std::vector<BurstMark> marks;

    /// `per_s` events a second, evenly.
    void run(std::uint64_t per_s, MonotonicTime length)
    {
        const MonotonicTime step = MonotonicTime(1s) / static_cast<std::int64_t>(per_s);
        for (const MonotonicTime end = now + length; now < end; now += step) {
            if (const auto mark = meter.note(now)) {
                marks.push_back(*mark);
            }
        }
    }
    void rest(MonotonicTime length)
    {
        now += length;
        if (const auto mark = meter.pass(now)) {
            marks.push_back(*mark);
        }
    }
};

TEST_F(Bursts, AnEvenRateIsNone)
{
    for (const std::uint64_t per_s : {10U, 1000U, 100'000U}) {
        meter = {};
        run(per_s, 8s);
        EXPECT_TRUE(marks.empty()) << per_s;
        EXPECT_NEAR(meter.usual_per_s(), static_cast<double>(per_s),
                    0.6 * static_cast<double>(per_s));
    }
}

TEST_F(Bursts, BeginAndEndAreMarkedOnce)
{
    run(100, 20s);
    const MonotonicTime begun = now;
    run(10'000, 500ms);
    run(100, 2s);
    ASSERT_EQ(marks.size(), 2U);
    EXPECT_TRUE(marks[0].begins);
    EXPECT_GE(marks[0].time, begun);
    EXPECT_LE(marks[0].time, begun + 20ms) << "as soon as it is one";
    EXPECT_NEAR(marks[0].usual_per_s, 100, 20);
    EXPECT_GT(marks[0].per_s, 8 * marks[0].usual_per_s);
    EXPECT_FALSE(marks[1].begins);
    EXPECT_NEAR(static_cast<double>(marks[1].events), 5000, 60);
    EXPECT_GE(marks[1].lasted, 490ms);
    EXPECT_LE(marks[1].lasted, 700ms);
}

TEST_F(Bursts, FewEventsAreNone)
{
    run(1, 20s);
    run(900, 1s); // 90 in a window
    EXPECT_TRUE(marks.empty());
}

TEST_F(Bursts, EndsWithoutAnotherEvent)
{
    run(10, 20s);
    run(10'000, 200ms);
    ASSERT_EQ(marks.size(), 1U);
    rest(1s);
    ASSERT_EQ(marks.size(), 2U);
    EXPECT_FALSE(marks[1].begins);
    EXPECT_FALSE(meter.bursting());
}

TEST_F(Bursts, ANewLevelBecomesUsual)
{
    run(100, 20s);
    run(10'000, 60s);
    ASSERT_EQ(marks.size(), 2U) << "it is over when it is usual";
    EXPECT_FALSE(marks[1].begins);
    EXPECT_LT(marks[1].lasted, 10s);
    EXPECT_NEAR(meter.usual_per_s(), 10'000, 300);
}

TEST_F(Bursts, NothingIsUsualAtFirst)
{
    run(50'000, 1s);
    EXPECT_TRUE(marks.empty());
}

TEST_F(Bursts, TimeMayGoBackAndFarAhead)
{
    run(1000, 5s);
    EXPECT_FALSE(meter.note(now - 3s));
    EXPECT_FALSE(meter.note(MonotonicTime{}));
    now += 1000h;
    run(1000, 50ms); // 50 in a window
    EXPECT_TRUE(marks.empty());
    EXPECT_LT(meter.usual_per_s(), 10);
}

} // namespace
} // namespace tcpledger
