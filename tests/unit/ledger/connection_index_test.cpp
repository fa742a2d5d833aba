// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Found among collisions, after holes, and memory that comes back.
#include "ledger/connection_index.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

namespace tcpledger {
namespace {

ConnectionId find(const ConnectionIndex& index, std::uint32_t hash, ConnectionId id)
{
    return index.find(hash, [id](ConnectionId each) { return each == id; });
}

TEST(ConnectionIndex, OneHashOfMany)
{
    ConnectionIndex index;
    for (ConnectionId id = 0; id < 20; ++id) {
        index.insert(77, id);
    }
    for (ConnectionId id = 0; id < 20; ++id) {
        EXPECT_EQ(find(index, 77, id), id);
    }
    EXPECT_EQ(find(index, 77, 20), kNoConnection);
    std::set<ConnectionId> asked;
    EXPECT_EQ(index.find(78,
                         [&](ConnectionId id) {
                             asked.insert(id);
                             return true;
                         }),
              kNoConnection);
    EXPECT_TRUE(asked.empty()) << "only what has the hash is looked at";
}

/// Three whose places overlap at the end of the table: what moves into the hole of another is
/// found from its own place still.
TEST(ConnectionIndex, AHoleAtTheEndOfTheTable)
{
    for (ConnectionId erased = 0; erased < 4; ++erased) {
        ConnectionIndex index;
        const std::vector<std::uint32_t> hashes = {1023, 1023 + 1024, 0, 1022};
        for (ConnectionId id = 0; id < 4; ++id) {
            index.insert(hashes[id], id);
        }
        index.erase(hashes[erased], erased);
        for (ConnectionId id = 0; id < 4; ++id) {
            EXPECT_EQ(find(index, hashes[id], id), id == erased ? kNoConnection : id);
        }
    }
}

TEST(ConnectionIndex, ABurstsMemoryIsGivenBack)
{
    ConnectionIndex index;
    const std::size_t before = index.memory_bytes();
    for (ConnectionId id = 0; id < 100'000; ++id) {
        index.insert(id * 0x9e3779b9U, id);
    }
    EXPECT_GE(index.memory_bytes(), 100'000U * 16);
    for (ConnectionId id = 0; id < 100'000; ++id) {
        index.erase(id * 0x9e3779b9U, id);
    }
    EXPECT_EQ(index.size(), 0U);
    EXPECT_LE(index.memory_bytes(), 4 * before);
}

/// A random history with few hashes, against the obvious model.
TEST(ConnectionIndex, RandomHistory)
{
    std::mt19937 random(20261201);
    ConnectionIndex index;
    std::vector<std::uint32_t> hashes; // by id
    std::set<ConnectionId> model;
    for (ConnectionId step = 0; step < 66'000; ++step) {
        hashes.push_back(static_cast<std::uint32_t>(random() % 8000 * 37));
        const bool grows = (step / 6000) % 2 == 0;
        if (model.empty() || random() % 10 < (grows ? 8U : 2U)) {
            index.insert(hashes[step], step);
            model.insert(step);
        } else {
            auto one = model.lower_bound(static_cast<ConnectionId>(random() % step));
            one = one == model.end() ? model.begin() : one;
            index.erase(hashes[*one], *one);
            model.erase(one);
        }
    }
    ASSERT_GT(model.size(), 3000U);
    EXPECT_EQ(index.size(), model.size());
    for (ConnectionId id = 0; id < hashes.size(); ++id) {
        ASSERT_EQ(find(index, hashes[id], id), model.contains(id) ? id : kNoConnection);
    }
    std::set<ConnectionId> visited;
    index.for_each([&](ConnectionId id) { EXPECT_TRUE(visited.insert(id).second); });
    EXPECT_EQ(visited, model);
}

} // namespace
} // namespace tcpledger
