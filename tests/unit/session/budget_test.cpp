// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/budget.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;

TEST(Budget, SavesUpAndIsSpent)
{
    Budget budget(100, 10s);
    EXPECT_EQ(budget.credit(1000s), 100ms);
    budget.spend(150ms);
    EXPECT_EQ(budget.credit(1000s), -50ms);
    EXPECT_EQ(budget.credit(1005s), 0ms);
    EXPECT_EQ(budget.credit(1006s), 10ms);
    EXPECT_EQ(budget.credit(5000s), 100ms);
}

TEST(Budget, TellsWhenItIsWholeAgain)
{
    Budget budget(100, 10s);
    EXPECT_EQ(budget.next(1000s), 1000s);
    budget.spend(300ms);
    EXPECT_EQ(budget.next(1000s), 1020s);
    EXPECT_EQ(budget.next(1015s), 1020s);
    EXPECT_EQ(budget.next(1030s), 1030s);
}

TEST(Budget, TimeThatGoesBackGivesNothing)
{
    Budget budget(100, 10s);
    (void)budget.credit(1000s);
    budget.spend(100ms);
    EXPECT_EQ(budget.credit(1s), 0ms);
    EXPECT_EQ(budget.credit(1001s), 10ms);
}

} // namespace
} // namespace tcpledger
