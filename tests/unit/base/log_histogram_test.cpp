// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The histogram against the sorted values themselves, over all magnitudes; its error, its memory.
#include "base/log_histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace tcpledger {
namespace {

constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();

/// Of all magnitudes alike.
std::vector<std::uint64_t> random_values(std::size_t count, unsigned seed)
{
    std::mt19937_64 random(seed);
    std::vector<std::uint64_t> values;
    for (std::size_t at = 0; at < count; ++at) {
        values.push_back(random() >> (random() % 64));
    }
    return values;
}

/// The nearest rank.
std::uint64_t exact(const std::vector<std::uint64_t>& sorted, double share)
{
    const auto rank = static_cast<std::size_t>(
        std::max(1.0, std::ceil(share * static_cast<double>(sorted.size()))));
    return sorted[rank - 1];
}

template <typename Histogram> struct LogHistogramOf : testing::Test {};
using Precisions = testing::Types<LogHistogram<1>, LogHistogram<3>, LogHistogram<5>>;
TYPED_TEST_SUITE(LogHistogramOf, Precisions);

TYPED_TEST(LogHistogramOf, QuantilesAreWithinTheStatedError)
{
    for (unsigned seed = 1; seed <= 20; ++seed) {
        std::vector<std::uint64_t> values = random_values(997, seed);
        TypeParam histogram;
        for (const std::uint64_t value : values) {
            histogram.add(value);
        }
        std::ranges::sort(values);
        for (const double share : {0.0, 0.001, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
            const auto wanted = static_cast<double>(exact(values, share));
            EXPECT_NEAR(static_cast<double>(histogram.quantile(share)), wanted,
                        wanted * TypeParam::kRelativeError)
                << seed << " " << share;
        }
        EXPECT_EQ(histogram.min(), values.front());
        EXPECT_EQ(histogram.max(), values.back());
    }
}

TYPED_TEST(LogHistogramOf, EveryValueIsInABucketWithinTheError)
{
    for (unsigned bit = 0; bit < 64; ++bit) {
        for (const std::uint64_t value :
             {std::uint64_t{1} << bit, (std::uint64_t{1} << bit) - 1, (std::uint64_t{3} << bit) / 2,
              kLargest - (std::uint64_t{1} << bit)}) {
            TypeParam histogram;
            histogram.add(0);
            histogram.add(value, 3);
            histogram.add(kLargest);
            std::vector<std::uint64_t> middles;
            histogram.for_each([&](std::uint64_t middle, std::uint64_t times) {
                middles.insert(middles.end(), times, middle);
            });
            ASSERT_EQ(middles.size(), 5U);
            EXPECT_TRUE(std::ranges::is_sorted(middles));
            EXPECT_NEAR(static_cast<double>(middles[value == 0 ? 0 : 1]),
                        static_cast<double>(value),
                        static_cast<double>(value) * TypeParam::kRelativeError);
        }
    }
}

TYPED_TEST(LogHistogramOf, MergedIsAsIfAddedTogether)
{
    for (unsigned seed = 1; seed <= 20; ++seed) {
        TypeParam left;
        TypeParam right;
        TypeParam both;
        for (const std::uint64_t value : random_values(seed * 3, seed)) {
            (value % 3 == 0 ? left : right).add(value, value % 5);
            both.add(value, value % 5);
        }
        left.merge(right);
        EXPECT_EQ(left.count(), both.count());
        EXPECT_EQ(left.min(), both.min());
        EXPECT_EQ(left.max(), both.max());
        for (int percent = 0; percent <= 100; ++percent) {
            EXPECT_EQ(left.quantile(percent / 100.0), both.quantile(percent / 100.0));
        }
    }
}

TYPED_TEST(LogHistogramOf, MemoryIsBounded)
{
    TypeParam histogram;
    EXPECT_EQ(histogram.memory_bytes(), 0U);
    for (const std::uint64_t value : random_values(100'000, 7)) {
        histogram.add(value);
    }
    histogram.add(0);
    histogram.add(kLargest);
    EXPECT_EQ(histogram.memory_bytes(), TypeParam::kMaxBuckets * 8);

    TypeParam usual; // connections of 20 µs to 2 s, in nanoseconds
    for (std::uint64_t value = 20'000; value < 2'000'000'000; value += value / 100) {
        usual.add(value);
    }
    EXPECT_LE(usual.memory_bytes(), 19 * TypeParam::kPerOctave * 8);
}

TEST(LogHistogram, OfNothing)
{
    LogHistogram<5> histogram;
    histogram.add(7, 0);
    histogram.merge(LogHistogram<5>());
    EXPECT_TRUE(histogram.empty());
    EXPECT_EQ(histogram.quantile(0.5), 0U);
    EXPECT_EQ(histogram.min(), 0U);
    EXPECT_EQ(histogram.max(), 0U);
    EXPECT_EQ(histogram.memory_bytes(), 0U);
    histogram.for_each([](std::uint64_t, std::uint64_t) { FAIL(); });
}

TEST(LogHistogram, SmallValuesAreExact)
{
    LogHistogram<5> histogram;
    for (std::uint64_t value = 0; value < 64; ++value) {
        histogram.add(value);
    }
    for (std::uint64_t value = 0; value < 64; ++value) {
        EXPECT_EQ(histogram.quantile(static_cast<double>(value + 1) / 64.0), value);
    }
}

TEST(LogHistogram, ClearedItCountsAnew)
{
    LogHistogram<3> histogram;
    histogram.add(1000, 5);
    const std::size_t bytes = histogram.memory_bytes();
    histogram.clear();
    EXPECT_TRUE(histogram.empty());
    EXPECT_EQ(histogram.quantile(1.0), 0U);
    histogram.add(990);
    EXPECT_EQ(histogram.count(), 1U);
    EXPECT_EQ(histogram.min(), 990U);
    EXPECT_EQ(histogram.quantile(0.5), 990U);
    EXPECT_EQ(histogram.memory_bytes(), bytes);
}

TEST(LogHistogram, SharesOutsideAreTheEnds)
{
    LogHistogram<5> histogram;
    histogram.add(10);
    histogram.add(20);
    EXPECT_EQ(histogram.quantile(-1), 10U);
    EXPECT_EQ(histogram.quantile(2), 20U);
}

} // namespace
} // namespace tcpledger
