// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Bins of 1, 2, 5, 10 … without gaps, bars, percentiles as text and as JSON.
#include "commands/distribution.hpp"

#include "hostile.hpp"

namespace tcpledger {
namespace {

using namespace std::chrono_literals;
using namespace test;
using Histogram = LogHistogram<5>;

Histogram histogram_of(std::initializer_list<std::chrono::nanoseconds> values)
{
    Histogram histogram;
    for (const auto value : values) {
        histogram.add(static_cast<std::uint64_t>(value.count()));
    }
    return histogram;
}

TEST(Bins, OneTwoFive)
{
    const auto bins = bins_of(histogram_of({3us, 4us, 12us, 30us, 31us, 150us}));
    const std::vector<HistogramBin> expected = {
        {2us, 5us, 2},   {5us, 10us, 0},   {10us, 20us, 1},
        {20us, 50us, 2}, {50us, 100us, 0}, {100us, 200us, 1},
    };
    EXPECT_EQ(bins, expected);
}

TEST(Bins, BelowAMicrosecond)
{
    const auto bins = bins_of(histogram_of({0ns, 999ns, 1us}));
    ASSERT_FALSE(bins.empty());
    EXPECT_EQ(bins.front().from, 0ns);
    EXPECT_EQ(bins.front().to, 1us);
    std::uint64_t sum = 0;
    for (const HistogramBin& bin : bins) {
        sum += bin.count;
    }
    EXPECT_EQ(sum, 3U);
}

TEST(Bins, OfTheLargest)
{
    Histogram histogram;
    histogram.add(0);
    histogram.add(std::numeric_limits<std::uint64_t>::max());
    const auto bins = bins_of(histogram);
    EXPECT_LT(bins.size(), 60U);
    EXPECT_EQ(bins.back().count, 1U);
    for (std::size_t at = 1; at < bins.size(); ++at) {
        EXPECT_EQ(bins[at].from, bins[at - 1].to);
        EXPECT_LT(bins[at].from, bins[at].to);
    }
    EXPECT_TRUE(bins_of(Histogram()).empty());
}

TEST(Bars, AsLongAsTheirShare)
{
    const std::vector<HistogramBin> bins = {{1us, 2us, 8}, {2us, 5us, 0}, {5us, 10us, 16}};
    EXPECT_EQ(render_bins(bins, 4, Painter()), "    1us - 2us      8 ██\n"
                                               "    2us - 5us      0\n"
                                               "    5us - 10us    16 ████\n");
    const std::vector<HistogramBin> uneven = {{1us, 2us, 1}, {2us, 5us, 1'000'000}};
    EXPECT_NE(render_bins(uneven, 4, Painter()).find("1 ▏\n"), std::string::npos)
        << "what is there is seen";
}

TEST(Quantiles, AsCells)
{
    Histogram histogram;
    for (int number = 0; number < 100; ++number) {
        histogram.add(31'000'000);
    }
    histogram.add(2'000'000'000);
    EXPECT_EQ(quantile_cells(histogram),
              (std::vector<std::string>{"31.2ms", "31.2ms", "31.2ms", "2.00s"}))
        << "the middle of the bucket";
    EXPECT_EQ(quantile_cells(Histogram()), (std::vector<std::string>{"-", "-", "-", "-"}));
}

TEST(Quantiles, AsJson)
{
    JsonWriter json;
    write_distribution(json, histogram_of({3ms}), true);
    const rapidjson::Document object = parsed(json.take_line());
    EXPECT_EQ(object["count"].GetUint64(), 1U);
    EXPECT_EQ(object["median_ms"].GetDouble(), 3.0);
    EXPECT_EQ(object["max_ms"].GetDouble(), 3.0);
    ASSERT_EQ(object["bins"].Size(), 1U);
    EXPECT_EQ(object["bins"][0]["from_ms"].GetDouble(), 2.0);
    EXPECT_EQ(object["bins"][0]["count"].GetUint64(), 1U);

    JsonWriter nothing;
    write_distribution(nothing, Histogram(), false);
    const rapidjson::Document empty = parsed(nothing.take_line());
    EXPECT_TRUE(empty["median_ms"].IsNull() && empty["max_ms"].IsNull());
    EXPECT_FALSE(empty.HasMember("bins"));
}

} // namespace
} // namespace tcpledger
