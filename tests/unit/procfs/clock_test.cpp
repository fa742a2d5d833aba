// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/clock.hpp"
#include "procfs/processes.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <limits>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();

TEST(Ticks, ConvertBothWays)
{
    EXPECT_EQ(ticks_to_boottime(0, 100), 0ns);
    EXPECT_EQ(ticks_to_boottime(1, 100), 10ms);
    EXPECT_EQ(ticks_to_boottime(12345, 100), 123450ms);
    EXPECT_EQ(ticks_to_boottime(1, 1024), 976562ns);
    EXPECT_EQ(boottime_to_ticks(0ns, 100), 0U);
    EXPECT_EQ(boottime_to_ticks(9999999ns, 100), 0U);
    EXPECT_EQ(boottime_to_ticks(10ms, 100), 1U);
    EXPECT_EQ(boottime_to_ticks(123459ms, 100), 12345U);
    for (const std::uint64_t ticks : {0ULL, 1ULL, 99ULL, 100ULL, 4242424242ULL, 900000000000ULL}) {
        EXPECT_EQ(boottime_to_ticks(ticks_to_boottime(ticks, 100), 100), ticks);
    }
}

TEST(Ticks, HostileValuesSaturate)
{
    EXPECT_EQ(ticks_to_boottime(kHuge, 100), nanoseconds::max());
    EXPECT_EQ(ticks_to_boottime(kHuge, 1), nanoseconds::max());
    EXPECT_EQ(ticks_to_boottime(5, 0), 0ns);
    EXPECT_EQ(boottime_to_ticks(nanoseconds::min(), 100), 0U);
    EXPECT_EQ(boottime_to_ticks(-1ns, 100), 0U);
    EXPECT_EQ(boottime_to_ticks(nanoseconds::max(), 100), 922337203685U);
}

TEST(Timeline, OneMomentOnAllClocks)
{
    const WallTime now(1'700'000'000s);
    const Timeline timeline({50s, 80s, now}, 100); // 30 s of suspend
    EXPECT_EQ(timeline.boot_time(), now - 80s);
    EXPECT_EQ(timeline.wall_of_boottime(80s), now);
    EXPECT_EQ(timeline.wall_of_monotonic(50s), now);
    EXPECT_EQ(timeline.wall_of_monotonic(49s), now - 1s);
    EXPECT_EQ(timeline.wall_of_ticks(7950), now - 500ms);
    EXPECT_EQ(timeline.boottime_of_monotonic(50s), 80s);
}

TEST(Timeline, HostileValuesSaturate)
{
    const Timeline timeline({50s, 80s, WallTime(1'700'000'000s)}, 100);
    EXPECT_EQ(timeline.wall_of_ticks(kHuge), WallTime::max());
    EXPECT_EQ(timeline.wall_of_monotonic(nanoseconds::max()), WallTime::max());
    EXPECT_EQ(timeline.boottime_of_monotonic(nanoseconds::max()), nanoseconds::max());
    const Timeline absurd({nanoseconds::max(), nanoseconds::min(), WallTime::min()}, 0);
    EXPECT_EQ(absurd.boottime_of_monotonic(nanoseconds::min()), nanoseconds::min());
    EXPECT_EQ(absurd.wall_of_ticks(1), WallTime(0ns));
}

TEST(Clocks, RunTogether)
{
    const ClockReading first = read_clocks();
    const ClockReading second = read_clocks();
    EXPECT_GT(second.monotonic, first.monotonic);
    EXPECT_GE(second.boottime, second.monotonic);
    EXPECT_LE(first.boottime, boottime_now());
    EXPECT_LE(first.monotonic, monotonic_now());
    EXPECT_LT(second.boottime - second.monotonic - (first.boottime - first.monotonic), 100ms);
}

/// The host's own /proc: this process started in the past, and not before boot.
TEST(Clocks, PlaceThisProcess)
{
    const auto stat = ProcFs().stat(static_cast<std::uint32_t>(::getpid()));
    ASSERT_TRUE(stat.has_value());
    const Timeline timeline(read_clocks(), user_hz());
    const WallTime started = timeline.wall_of_ticks(stat->start_ticks);
    EXPECT_GT(started, timeline.boot_time());
    EXPECT_LT(started, std::chrono::system_clock::now());
    EXPECT_GT(started, std::chrono::system_clock::now() - 60s);
}

TEST(ParseBootSeconds, ReadsTheLine)
{
    EXPECT_EQ(parse_boot_seconds("cpu  1 2\nintr 5\nbtime 1700000000\nprocesses 3\n"), 1700000000);
    for (const char* text :
         {"", "btime", "btime \n", "btime x\n", "xbtime 1\n", "btime 99999999999999999999\n"}) {
        EXPECT_FALSE(parse_boot_seconds(text).has_value()) << text;
    }
}

} // namespace
} // namespace tcpledger
