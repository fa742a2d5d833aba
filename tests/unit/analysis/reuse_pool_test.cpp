// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which opens an idle connection would have spared.
#include "analysis/reuse_pool.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;

struct Reuse : testing::Test {
    ReusePool pool;
    ReuseKey curl{"curl", 7, 1, {IpAddress::from_ipv4_be(0x0100000a), 443}};
};

TEST_F(Reuse, OneAfterTheOtherSparesAllButTheFirst)
{
    int spared = 0;
    for (int number = 0; number < 412; ++number) {
        const MonotonicTime now = number * 145ms;
        spared += pool.open(curl, now) ? 1 : 0;
        pool.release(curl, now + 31ms);
    }
    EXPECT_EQ(spared, 411);
    EXPECT_EQ(pool.size(), 1U);
}

TEST_F(Reuse, AtTheSameTimeSparesNone)
{
    for (int number = 0; number < 10; ++number) {
        EXPECT_FALSE(pool.open(curl, 1s));
    }
    for (int number = 0; number < 10; ++number) {
        pool.release(curl, 2s);
    }
    for (int number = 0; number < 10; ++number) {
        EXPECT_TRUE(pool.open(curl, 3s)) << number;
    }
    EXPECT_FALSE(pool.open(curl, 3s)) << "only ten were idle";
    EXPECT_EQ(pool.size(), 0U);
}

TEST_F(Reuse, AnIdleOneIsKeptForAMinute)
{
    pool.release(curl, 10s);
    EXPECT_TRUE(pool.open(curl, 10s + ReusePool::kKeepAlive));
    pool.release(curl, 10s);
    EXPECT_FALSE(pool.open(curl, 10s + ReusePool::kKeepAlive + 1ns));
}

TEST_F(Reuse, TheYoungestGoesFirst)
{
    pool.release(curl, 1s);
    pool.release(curl, 40s);
    EXPECT_TRUE(pool.open(curl, 50s)) << "of 40 s";
    EXPECT_FALSE(pool.open(curl, 1s + ReusePool::kKeepAlive + 1s)) << "left is that of 1 s";
}

TEST_F(Reuse, AnotherProgramRemoteOrNamespaceIsAnother)
{
    pool.release(curl, 1s);
    ReuseKey other = curl;
    other.comm = "wget";
    EXPECT_FALSE(pool.open(other, 2s));
    other = curl;
    other.cgroup_id = 8;
    EXPECT_FALSE(pool.open(other, 2s));
    other = curl;
    other.netns_inum = 2;
    EXPECT_FALSE(pool.open(other, 2s));
    other = curl;
    other.remote.port = 80;
    EXPECT_FALSE(pool.open(other, 2s));
    EXPECT_TRUE(pool.open(curl, 2s));
}

TEST_F(Reuse, BoundedWhateverTheRemotes)
{
    ReuseKey key = curl;
    for (std::uint32_t remote = 0; remote < 3 * ReusePool::kMostKeys; ++remote) {
        key.netns_inum = remote;
        pool.release(key, 1s);
    }
    EXPECT_EQ(pool.size(), ReusePool::kMostKeys);
    pool.release(key, 1s + 2 * ReusePool::kKeepAlive); // the old ones are forgotten
    EXPECT_EQ(pool.size(), 1U);
    EXPECT_TRUE(pool.open(key, 1s + 2 * ReusePool::kKeepAlive));
}

} // namespace
} // namespace tcpledger
