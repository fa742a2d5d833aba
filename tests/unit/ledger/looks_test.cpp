// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a sweep did not list is looked for: what is not there leaves the books, what is there stays.
#include "world.hpp"

#include <optional>
#include <utility>

namespace tcpledger {
namespace {

using namespace test;
using enum TcpState;

const Task kBrowser{100, "browser"};

struct Looks : testing::Test {
    World world;
    Sock peer = client(2, 40000);

    void SetUp() override { sweep({}); }
    SettlementReport sweep(const std::vector<std::pair<Sock, TcpState>>& rows)
    {
        world.sweep_begins();
        for (const auto& [sock, state] : rows) {
            world.listed(sock, state, 70);
        }
        return world.sweep_ends();
    }
    /// Looks for what the last sweep did not list; the answer is the same for all.
    SettlementReport look(std::optional<TcpState> state)
    {
        const std::vector<MissedSocket> missed = world.settlement.missed(10);
        world.sweep_begins();
        for (const MissedSocket& socket : missed) {
            world.settlement.looked_for(socket, state);
        }
        const SettlementReport report = world.settlement.finish_looks();
        world.check_sums();
        return report;
    }
};

TEST_F(Looks, WhatIsNotThereLeavesAtOnce)
{
    world.connects(peer, kBrowser);
    sweep({});
    EXPECT_EQ(look(std::nullopt).drift, 1U);
    EXPECT_EQ(world.books().size(), 0U);
}

TEST_F(Looks, WhatWasSkippedStaysAndIsNotMissedAnyMore)
{
    world.connects(peer, kBrowser);
    sweep({});
    EXPECT_EQ(look(kEstablished).drift, 0U);
    EXPECT_TRUE(world.settlement.missed(10).empty());
    EXPECT_EQ(sweep({}).missed, 1U) << "one miss, not two";
    EXPECT_EQ(world.state(peer), kEstablished);
}

TEST_F(Looks, WhatWasSkippedHasMovedUnseen)
{
    world.connects(peer, kBrowser);
    sweep({});
    EXPECT_EQ(look(kCloseWait).drift, 1U);
    EXPECT_EQ(world.state(peer), kCloseWait);
    EXPECT_TRUE(world.find(peer)->age_is_lower_bound);
}

TEST_F(Looks, AnEventSpeaksForTheSocket)
{
    world.connects(peer, kBrowser);
    sweep({});
    const std::vector<MissedSocket> missed = world.settlement.missed(10);
    world.sweep_begins();
    world.goes(peer, kEstablished, kCloseWait);
    world.settlement.looked_for(missed.at(0), std::nullopt);
    EXPECT_EQ(world.settlement.finish_looks().drift, 0U);
    EXPECT_EQ(world.state(peer), kCloseWait);
}

TEST_F(Looks, MiniSocketsEndAsNoDrift)
{
    world.connects(peer, kBrowser);
    Sock ended = peer;
    ended.flags = TL_FLAG_FIN_RECEIVED;
    world.closes(ended, kBrowser);
    ASSERT_EQ(world.state(peer), kTimeWait);
    EXPECT_EQ(sweep({}).missed, 1U);
    const SettlementReport report = look(std::nullopt);
    EXPECT_EQ(report.drift, 0U);
    EXPECT_EQ(report.settled, 1U);
    EXPECT_EQ(world.books().size(), 0U);
}

TEST_F(Looks, ListenersAreLeftToTheNextSweep)
{
    world.listens(listener(5), kBrowser);
    EXPECT_EQ(sweep({}).missed, 1U);
    EXPECT_TRUE(world.settlement.missed(10).empty()) << "a look-up finds another at its address";
}

TEST_F(Looks, TooManyAreNotLookedFor)
{
    for (std::uint16_t port = 1; port <= 3; ++port) {
        world.connects(client(port, port), kBrowser);
    }
    EXPECT_EQ(sweep({}).missed, 3U);
    EXPECT_EQ(world.settlement.missed(3).size(), 3U);
    EXPECT_TRUE(world.settlement.missed(2).empty());
}

} // namespace
} // namespace tcpledger
