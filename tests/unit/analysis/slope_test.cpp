// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "analysis/slope.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tcpledger {
namespace {

using Points = std::vector<std::pair<double, double>>;

TEST(SlopeTest, OfALine)
{
    EXPECT_EQ(median_slope(Points{{0, 5}, {1, 7}, {2, 9}}), 2.0);
    EXPECT_EQ(median_slope(Points{{0, 5}, {10, 5}}), 0.0);
    EXPECT_EQ(median_slope(Points{{0, 5}, {10, 0}}), -0.5);
}

TEST(SlopeTest, OfTooFewPoints)
{
    EXPECT_FALSE(median_slope({}));
    EXPECT_FALSE(median_slope(Points{{1, 1}}));
    EXPECT_FALSE(median_slope(Points{{1, 1}, {1, 9}})); // at one and the same time
}

TEST(SlopeTest, IsNotMovedByABurst)
{
    Points points;
    for (int i = 0; i < 20; ++i) {
        points.emplace_back(i, 3.0 * i);
    }
    points[7].second = 5000;
    points[8].second = 4000;
    points[15].second = 0;
    EXPECT_DOUBLE_EQ(*median_slope(points), 3.0);
}

TEST(SlopeTest, OfAnEvenNumberOfPairsIsBetweenTheMiddleTwo)
{
    // Slopes 0, 0, 0, 2, 3, 6 in some order: (0, 0), (1, 0), (2, 0), (3, 6)
    EXPECT_EQ(median_slope(Points{{0, 0}, {1, 0}, {2, 0}, {3, 6}}), 1.0);
}

} // namespace
} // namespace tcpledger
