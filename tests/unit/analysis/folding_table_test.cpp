// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The bound, and that nothing gets lost by it.
#include "analysis/folding_table.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tcpledger {
namespace {

struct Count {
    std::uint64_t number = 0;

    void merge(const Count& other) { number += other.number; }
    [[nodiscard]] std::uint64_t weight() const { return number; }
};
using Table = FoldingTable<int, Count, std::hash<int>>;

std::uint64_t sum(const Table& table)
{
    std::uint64_t sum = table.others().number;
    for (const auto& [key, count] : table.rows()) {
        sum += count.number;
    }
    return sum;
}

TEST(FoldingTable, KeepsWhatFits)
{
    Table table(10);
    for (int key = 0; key < 10; ++key) {
        table.at(key).number += 1;
        table.at(key).number += 1;
    }
    EXPECT_EQ(table.rows().size(), 10U);
    EXPECT_EQ(table.rows().at(3).number, 2U);
    EXPECT_EQ(table.folded(), 0U);
    EXPECT_EQ(table.others().number, 0U);
}

TEST(FoldingTable, NeverHoldsMoreAndLosesNothing)
{
    std::mt19937 random(3);
    Table table(100);
    for (std::uint64_t added = 1; added <= 50'000; ++added) {
        ++table.at(static_cast<int>(random() % 10'000)).number;
        ASSERT_LE(table.rows().size(), 100U);
    }
    EXPECT_EQ(sum(table), 50'000U);
    EXPECT_GT(table.folded(), 9'900U);
}

TEST(FoldingTable, WhatIsHeavyHasItsRow)
{
    Table table(100);
    for (int round = 0; round < 10'000; ++round) {
        ++table.at(-1 - round % 5).number; // five heavy ones
        ++table.at(round).number;          // and ever another light one
    }
    for (int heavy = -5; heavy < 0; ++heavy) {
        ASSERT_TRUE(table.rows().contains(heavy)) << heavy;
        EXPECT_EQ(table.rows().at(heavy).number, 2'000U);
    }
    EXPECT_EQ(sum(table), 20'000U);
}

TEST(FoldingTable, RenamedRowsAddUp)
{
    Table table(100);
    for (int key = 0; key < 30; ++key) {
        table.at(key).number = 1;
    }
    table.rename([](int key) { return key % 3; });
    EXPECT_EQ(table.rows().size(), 3U);
    for (int key = 0; key < 3; ++key) {
        EXPECT_EQ(table.rows().at(key).number, 10U);
    }
}

TEST(FoldingTable, ClearedItHoldsNothing)
{
    Table table(4);
    for (int key = 0; key < 30; ++key) {
        table.at(key).number = 1;
    }
    table.clear();
    EXPECT_EQ(sum(table), 0U);
    EXPECT_EQ(table.folded(), 0U);
}

} // namespace
} // namespace tcpledger
