// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/format.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <limits>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::system_clock;

TEST(Format, MillisecondsAsBccPrintsThem)
{
    EXPECT_EQ(format_milliseconds(0ns), "0.000");
    EXPECT_EQ(format_milliseconds(1'234'999ns), "1.234");
    EXPECT_EQ(format_milliseconds(999ns), "0.000");
    EXPECT_EQ(format_milliseconds(-1'500us), "-1.500");
    EXPECT_EQ(format_milliseconds(24h), "86400000.000");
    EXPECT_EQ(format_milliseconds(nanoseconds::max()), "9223372036854.775");
}

TEST(Format, DurationsInAtMostTwoUnits)
{
    struct Case {
        nanoseconds duration;
        const char* text;
    };
    const Case cases[] = {
        {0ns, "0s"},
        {999ns, "0s"},
        {340us, "340us"},
        {12ms, "12ms"},
        {999'999us, "999ms"},
        {1s, "1s"},
        {59'999ms, "59s"},
        {60s, "1m"},
        {312s, "5m12s"},
        {5min, "5m"},
        {3599s, "59m59s"},
        {1h, "1h"},
        {2h + 14min + 59s, "2h14m"},
        {1h + 59s, "1h"},
        {24h, "1d"},
        {76h, "3d4h"},
        {-5min, "-5m"},
    };
    for (const Case& one : cases) {
        EXPECT_EQ(format_duration(one.duration), one.text);
    }
    EXPECT_FALSE(format_duration(nanoseconds::min()).empty());
}

TEST(Format, AnAgeThatIsALowerBoundSaysSo)
{
    EXPECT_EQ(format_age(5min, true), ">5m");
    EXPECT_EQ(format_age(5min, false), "5m");
}

TEST(Format, Counts)
{
    EXPECT_EQ(format_count(0), "0");
    EXPECT_EQ(format_count(999), "999");
    EXPECT_EQ(format_count(3856), "3,856");
    EXPECT_EQ(format_count(std::numeric_limits<std::uint64_t>::max()),
              "18,446,744,073,709,551,615");
    EXPECT_EQ(format_signed_count(-1000), "-1,000");
    EXPECT_EQ(format_signed_count(std::numeric_limits<std::int64_t>::min()),
              "-9,223,372,036,854,775,808");
}

TEST(Format, PercentRateBytes)
{
    EXPECT_EQ(format_percent(1, 8), "12.5%");
    EXPECT_EQ(format_percent(0, 0), "-");
    EXPECT_EQ(format_rate(0), "0");
    EXPECT_EQ(format_rate(0.25), "0.25");
    EXPECT_EQ(format_rate(4.24), "4.2");
    EXPECT_EQ(format_rate(99.96), "100");
    EXPECT_EQ(format_rate(50311.9), "50,312");
    EXPECT_EQ(format_rate(-41.2), "-41.2");
    EXPECT_EQ(format_rate(std::numeric_limits<double>::quiet_NaN()), "-");
    EXPECT_EQ(format_rate(std::numeric_limits<double>::infinity()), "-");
    EXPECT_EQ(format_bytes(1023), "1023 B");
    EXPECT_EQ(format_bytes(1536), "1.5 KiB");
    EXPECT_EQ(format_bytes(12U << 20U), "12 MiB");
    EXPECT_EQ(format_bytes((1U << 20U) - 1), "1.0 MiB");
    EXPECT_EQ(format_bytes(std::numeric_limits<std::uint64_t>::max()), "16 EiB");
}

TEST(Format, Rfc3339)
{
    const system_clock::time_point epoch{};
    EXPECT_EQ(format_rfc3339_us(epoch), "1970-01-01T00:00:00.000000Z");
    // date -u -d 2026-11-20T18:03:05Z +%s
    EXPECT_EQ(format_rfc3339_us(epoch + 1795197785s + 123'456'789ns),
              "2026-11-20T18:03:05.123456Z");
    // date -u -d 2028-02-29T23:59:59Z +%s
    EXPECT_EQ(format_rfc3339_us(epoch + 1835481599s + 999'999'999ns),
              "2028-02-29T23:59:59.999999Z");
    EXPECT_EQ(format_rfc3339_us(epoch - 1ns), "1969-12-31T23:59:59.999999Z");
    EXPECT_EQ(format_rfc3339_us(system_clock::time_point::max()), "2262-04-11T23:47:16.854775Z");
}

TEST(Format, LocalTimeIsTheZonesOwn)
{
    ASSERT_EQ(::setenv("TZ", "XXX-05:30", 1), 0); // POSIX: five and a half hours east
    ::tzset();
    EXPECT_EQ(format_local_hms(system_clock::time_point{} + 1h + 999ms), "06:30:00");
}

} // namespace
} // namespace tcpledger
