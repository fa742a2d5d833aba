// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Indexes that stay, memory that comes back.
#include "ledger/slab.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace tcpledger {
namespace {

/// Counts the arrays that chunks make, by the default constructions in them.
struct Counted {
    inline static std::size_t made = 0;
    std::uint64_t value = 0;
    Counted() { ++made; }
    explicit Counted(std::uint64_t number) : value(number) { ++made; }
};

constexpr std::uint32_t kChunk = Slab<int>::kChunkSize;

TEST(Slab, KeepsWhatIsPutAtItsIndex)
{
    Slab<int> slab;
    std::set<std::uint32_t> indexes;
    for (int value = 0; value < 5000; ++value) {
        indexes.insert(slab.insert(value));
    }
    EXPECT_EQ(indexes.size(), 5000U) << "no index twice";
    EXPECT_EQ(slab.size(), 5000U);
    for (int value = 0; value < 5000; ++value) {
        EXPECT_EQ(slab[static_cast<std::uint32_t>(value)], value) << "filled from the bottom";
    }
}

TEST(Slab, AReferenceStaysGoodWhileOthersComeAndGo)
{
    Slab<int> slab;
    const std::uint32_t index = slab.insert(42);
    const int* place = &slab[index];
    std::vector<std::uint32_t> others;
    for (int i = 0; i < 10'000; ++i) {
        others.push_back(slab.insert(i));
    }
    for (const std::uint32_t other : others) {
        slab.erase(other);
    }
    EXPECT_EQ(&slab[index], place);
    EXPECT_EQ(*place, 42);
}

TEST(Slab, AnErasedPlaceIsADefaultAgain)
{
    Slab<int> slab;
    slab.insert(1);
    const std::uint32_t index = slab.insert(2);
    slab.erase(index);
    std::size_t ones = 0;
    std::size_t others = 0;
    slab.for_each_place([&](std::uint32_t, int value) { ++(value == 1 ? ones : others); });
    EXPECT_EQ(ones, 1U);
    EXPECT_EQ(others, kChunk - 1);
    slab.for_each_place(
        [&](std::uint32_t place, int value) { EXPECT_EQ(value, place == 0 ? 1 : 0); });
}

TEST(Slab, ABurstsMemoryIsGivenBack)
{
    Slab<std::uint64_t> slab;
    const std::uint32_t first = slab.insert(1);
    const std::size_t before = slab.memory_bytes();
    std::vector<std::uint32_t> burst;
    for (std::uint64_t i = 0; i < 100'000; ++i) {
        burst.push_back(slab.insert(i));
    }
    EXPECT_GT(slab.memory_bytes(), before + 100'000 * sizeof(std::uint64_t));
    for (const std::uint32_t index : burst) {
        slab.erase(index);
    }
    EXPECT_EQ(slab.size(), 1U);
    EXPECT_LE(slab.memory_bytes(), 3 * before) << "a spare chunk may stay";
    EXPECT_EQ(slab[first], 1U);
}

/// One connection that comes and goes where a chunk begins does not make and unmake the chunk.
TEST(Slab, AtTheEdgeOfAChunkNothingIsMadeAnew)
{
    Slab<Counted> slab;
    for (std::uint32_t i = 0; i < kChunk; ++i) {
        slab.insert(Counted(i));
    }
    slab.erase(slab.insert(Counted(1)));
    const std::size_t before = Counted::made;
    for (int i = 0; i < 100; ++i) {
        slab.erase(slab.insert(Counted(1)));
    }
    EXPECT_LE(Counted::made - before, 1000U);
}

TEST(Slab, LowPlacesAreUsedFirst)
{
    Slab<int> slab;
    std::vector<std::uint32_t> indexes;
    for (std::uint32_t i = 0; i < 3 * kChunk; ++i) {
        indexes.push_back(slab.insert(0));
    }
    slab.erase(indexes[2 * kChunk + 5]);
    slab.erase(indexes[7]);
    EXPECT_EQ(slab.insert(1), 7U);
    EXPECT_EQ(slab.insert(1), 2 * kChunk + 5);
}

/// A random history against the obvious model.
TEST(Slab, RandomHistory)
{
    std::mt19937 random(20261120);
    Slab<std::uint32_t> slab;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> model; // index, value
    for (std::uint32_t step = 1; step < 60'000; ++step) {
        const bool grows = (step / 10'000) % 2 == 0;
        if (model.empty() || random() % 10 < (grows ? 8U : 2U)) {
            model.emplace_back(slab.insert(step), step);
        } else {
            std::swap(model[random() % model.size()], model.back());
            slab.erase(model.back().first);
            model.pop_back();
        }
    }
    EXPECT_EQ(slab.size(), model.size());
    std::size_t in_use = 0;
    slab.for_each_place([&](std::uint32_t, std::uint32_t value) { in_use += value != 0 ? 1 : 0; });
    EXPECT_EQ(in_use, model.size());
    for (const auto& [index, value] : model) {
        EXPECT_EQ(slab[index], value);
    }
}

} // namespace
} // namespace tcpledger
