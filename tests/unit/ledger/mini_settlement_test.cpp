// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Mini-sockets between two censuses: look-ups, the kernel's totals, what they explain.
#include "ledger/mini_settlement.hpp"

#include "world.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>

namespace tcpledger::test {
namespace {

const Task kTask{100, "closer"};

class Minis : public ::testing::Test {
protected:
    /// Closed sockets whose mini-socket is in `state`.
    std::vector<Sock> make(std::uint16_t first_port, std::size_t number, TcpState state)
    {
        std::vector<Sock> socks;
        for (std::uint16_t i = 0; i < number; ++i) {
            const auto port = static_cast<std::uint16_t>(first_port + i);
            Sock sock = client(port, port);
            world.connects(sock, kTask);
            if (state == TcpState::kTimeWait) {
                sock.flags = TL_FLAG_FIN_RECEIVED;
            }
            world.closes(sock, kTask);
            EXPECT_EQ(world.state(sock), state);
            socks.push_back(sock);
        }
        return socks;
    }
    [[nodiscard]] NetnsTotals totals(std::uint64_t number)
    {
        const MonotonicTime asked = world.tick();
        return {kNetns, asked, world.tick(), number, std::nullopt};
    }
    MiniReport finish(const NetnsTotals& one, const std::set<std::uint32_t>& listed = {})
    {
        const MiniReport report = minis.finish(std::span(&one, 1), listed);
        world.ledger.ends().remember(false);
        world.check_sums();
        return report;
    }
    void begin() { minis.begin(world.tick()); }

    World world;
    MiniSettlement minis{world.ledger};
};

/// tcp_max_tw_buckets: what the kernel has no room for is not on the books either.
TEST_F(Minis, NoMoreThanTheKernelMakes)
{
    make(1000, 2, TcpState::kTimeWait);
    begin();
    NetnsTotals bounded = totals(2);
    bounded.most_minis = 3;
    EXPECT_EQ(finish(bounded).settled, 0U);
    make(1100, 1, TcpState::kFinWait2);
    Sock beyond = client(1200, 1200);
    beyond.flags = TL_FLAG_FIN_RECEIVED;
    world.connects(beyond, kTask);
    world.closes(beyond, kTask);
    EXPECT_EQ(world.books().size(), 3U) << "it has ended";

    begin();
    bounded = totals(3);
    bounded.most_minis = 4;
    finish(bounded);
    make(1300, 1, TcpState::kTimeWait);
    begin();
    finish(totals(4)); // the limit cannot be read any more
    make(1400, 5, TcpState::kTimeWait);
}

/// At the limit each that ends makes room for a new one: the kernel's number stays.
TEST_F(Minis, ThoseThatWereReplacedMakeRoom)
{
    make(1000, 2, TcpState::kTimeWait);
    world.tick(69s);
    make(1100, 1, TcpState::kTimeWait);
    for (const std::uint64_t left : {3U, 1U}) { // after 69 s, and after 71
        begin();
        NetnsTotals full = totals(3);
        full.most_minis = 3;
        const MiniReport report = finish(full);
        EXPECT_EQ(report.settled, 3 - left);
        EXPECT_TRUE(report.to_explain.empty());
        EXPECT_EQ(world.books().size(), left);
        world.tick(6s);
    }
    make(1200, 2, TcpState::kTimeWait);
}

TEST_F(Minis, EqualTotalsChangeNothing)
{
    make(1000, 5, TcpState::kTimeWait);
    make(2000, 2, TcpState::kFinWait2);
    begin();
    const MiniReport report = finish(totals(7));
    EXPECT_TRUE(report.to_explain.empty());
    EXPECT_EQ(report.settled + report.drift, 0U);
    EXPECT_EQ(world.count(TcpState::kTimeWait), 5U);
}

TEST_F(Minis, TheOldestLeaveWhenTheirMinuteIsOver)
{
    const auto old = make(1000, 3, TcpState::kTimeWait);
    world.tick(30s);
    make(2000, 3, TcpState::kTimeWait);
    world.tick(31s);
    begin();
    const MiniReport report = finish(totals(4));
    EXPECT_EQ(report.settled, 2U);
    EXPECT_TRUE(report.to_explain.empty());
    EXPECT_EQ(world.find(old[0]), nullptr);
    EXPECT_EQ(world.find(old[1]), nullptr);
    EXPECT_NE(world.find(old[2]), nullptr);
}

TEST_F(Minis, AnEarlyEndMustBeExplained)
{
    const auto socks = make(1000, 3, TcpState::kTimeWait);
    begin();
    MiniReport report = finish(totals(2));
    EXPECT_EQ(report.to_explain, (std::map<std::uint32_t, bool>{{kNetns, true}}));
    EXPECT_EQ(world.count(TcpState::kTimeWait), 3U) << "which one is not known";
    begin();
    EXPECT_EQ(minis.all_of(kNetns, 3)->size(), 3U);
    EXPECT_FALSE(minis.all_of(kNetns, 2));
    minis.looked_up(socks[1].tuple, std::nullopt, 0ms, world.tick());
    minis.looked_up(socks[0].tuple, TcpState::kTimeWait, 50s, world.tick());
    report = finish(totals(2));
    EXPECT_EQ(report.settled, 1U);
    EXPECT_TRUE(report.to_explain.empty());
    EXPECT_EQ(world.find(socks[1]), nullptr);
    EXPECT_NE(world.find(socks[0]), nullptr);
}

TEST_F(Minis, WhatTheBooksLackMustBeListed)
{
    begin();
    EXPECT_EQ(finish(totals(2)).to_explain, (std::map<std::uint32_t, bool>{{kNetns, false}}));
}

TEST_F(Minis, WhatTwoListsDoNotExplainIsDrift)
{
    make(1000, 3, TcpState::kTimeWait);
    for (int list = 0; list < 2; ++list) {
        begin();
        EXPECT_EQ(finish(totals(9), {kNetns}).drift, 0U);
    }
    begin();
    EXPECT_EQ(finish(totals(9)).drift, 6U);
}

TEST_F(Minis, PassingStatesAreLookedUp)
{
    make(1000, 2, TcpState::kTimeWait);
    const auto passing = make(2000, 3, TcpState::kFinWait2);
    world.tick(10s);
    begin();
    EXPECT_EQ(minis.passing(3)->size(), 3U);
    EXPECT_FALSE(minis.passing(2));
    const MonotonicTime now = world.tick();
    minis.looked_up(passing[0].tuple, TcpState::kTimeWait, 59s, now);
    minis.looked_up(passing[1].tuple, TcpState::kFinWait2, 50s, now);
    minis.looked_up(passing[2].tuple, std::nullopt, 0ms, now);
    EXPECT_EQ(finish(totals(4)).settled, 2U);
    EXPECT_EQ(world.state(passing[0]), TcpState::kTimeWait);
    EXPECT_EQ(world.find(passing[0])->entered, now - 1s) << "its timer tells";
    EXPECT_TRUE(world.find(passing[0])->age_is_lower_bound);
    EXPECT_EQ(world.state(passing[1]), TcpState::kFinWait2);
    EXPECT_EQ(world.find(passing[2]), nullptr);
}

TEST_F(Minis, AnEventSinceTheQuestionIsNewer)
{
    const auto socks = make(2000, 1, TcpState::kFinWait2);
    begin();
    Sock peer{77, socks[0].tuple.mirrored()};
    world.goes(peer, TcpState::kCloseWait, TcpState::kLastAck, kTask);
    world.goes(peer, TcpState::kLastAck, TcpState::kClose); // moves ours to TIME_WAIT
    minis.looked_up(socks[0].tuple, TcpState::kFinWait2, 0ms, world.tick());
    minis.looked_up(socks[0].tuple, std::nullopt, 0ms, world.tick());
    EXPECT_EQ(world.state(socks[0]), TcpState::kTimeWait);
}

TEST_F(Minis, WhatCameAfterTheTotalIsNotInIt)
{
    make(1000, 3, TcpState::kTimeWait);
    begin();
    const NetnsTotals one = totals(3);
    world.tick(5ms);
    make(2000, 4, TcpState::kTimeWait);
    EXPECT_TRUE(finish(one).to_explain.empty());
}

TEST_F(Minis, WhatEndedAfterTheTotalIsInIt)
{
    const auto socks = make(1000, 3, TcpState::kTimeWait);
    begin();
    const NetnsTotals one = totals(3);
    world.tick(5ms);
    Sock again = socks[0];
    again.cookie = 500;
    world.connects(again, kTask); // its tuple is taken over
    EXPECT_EQ(world.count(TcpState::kTimeWait), 2U);
    EXPECT_TRUE(finish(one).to_explain.empty());
}

/// A total that was read while things happened may or may not have them in it.
TEST_F(Minis, TheMomentOfReadingIsBlurred)
{
    begin();
    NetnsTotals one{kNetns, world.tick(), {}, 0, std::nullopt};
    make(1000, 2, TcpState::kTimeWait);
    one.read_at = world.tick();
    for (const std::uint64_t number : {0U, 1U, 2U}) {
        one.minis = number;
        EXPECT_TRUE(minis.finish(std::span(&one, 1), {}).to_explain.empty()) << number;
    }
    one.minis = 5;
    EXPECT_FALSE(finish(one).to_explain.empty());
}

TEST_F(Minis, WhatANamespaceLeftGoesWithIt)
{
    make(1000, 3, TcpState::kTimeWait);
    begin();
    minis.gone({kNetns + 1});
    EXPECT_EQ(world.count(TcpState::kTimeWait), 3U);
    minis.gone({kNetns});
    make(2000, 1, TcpState::kTimeWait);
    EXPECT_EQ(world.count(TcpState::kTimeWait), 1U);
    minis.gone({kNetns});
    EXPECT_EQ(world.count(TcpState::kTimeWait), 1U) << "a namespace of the same number is new";
    EXPECT_EQ(minis.finish({}, {}).settled, 3U);
    world.ledger.ends().remember(false);
}

/// A list is asked for where the kernel has more, or where nobody has counted and one listens.
TEST_F(Minis, HalfOpenRequestsThatCameAreToBeListed)
{
    const Sock server = listener(1);
    world.listens(server, kTask);
    const auto asked_for = [&](std::optional<std::uint64_t> requests) {
        begin();
        NetnsTotals one = totals(0);
        one.requests = requests;
        return finish(one).requests_to_list;
    };
    using Wanted = std::map<std::uint32_t, bool>;
    EXPECT_EQ(asked_for(0), Wanted());
    EXPECT_EQ(asked_for(1), (Wanted{{kNetns, true}}));
    EXPECT_EQ(asked_for(std::nullopt), (Wanted{{kNetns, false}}));

    world.sweep_begins();
    world.listed(served(0, client(2, 1000), server), TcpState::kSynRecv, 0);
    world.listed(server, TcpState::kListen, 1);
    world.sweep_ends();
    ASSERT_EQ(world.count(TcpState::kSynRecv), 1U);
    EXPECT_EQ(asked_for(1), Wanted()) << "it is on the books";
    EXPECT_EQ(asked_for(2), (Wanted{{kNetns, true}}));
    EXPECT_EQ(asked_for(0), Wanted()) << "it has gone since it was looked up";
}

TEST_F(Minis, NobodyListensNobodyAsks)
{
    world.connects(client(2, 1000), kTask);
    begin();
    EXPECT_TRUE(finish(totals(0)).requests_to_list.empty());
}

TEST_F(Minis, TooManyEndsCompareNothing)
{
    minis.begin(world.tick());
    world.ledger.ends().remember(true, 2);
    make(1000, 5, TcpState::kTimeWait);
    EXPECT_EQ(world.ledger.ends().mini_changes(), nullptr);
    EXPECT_TRUE(world.ledger.ends().ended(12345)) << "who knows";
    EXPECT_TRUE(finish(totals(99)).to_explain.empty());
    EXPECT_FALSE(world.ledger.ends().ended(12345));
}

TEST_F(Minis, FullSocketsAreCountedWhenAllIsQuiet)
{
    world.listens(listener(1), kTask);
    world.connects(client(2, 1000), kTask);
    make(2000, 2, TcpState::kFinWait2);
    begin();
    NetnsTotals one = totals(2);
    one.in_use = 2;
    EXPECT_FALSE(finish(one).full_sockets_differ);
    begin();
    one = totals(2);
    one.in_use = 5;
    MiniReport report = finish(one);
    EXPECT_TRUE(report.full_sockets_differ);
    EXPECT_EQ(report.drift, 3U);
    begin();
    one = totals(2);
    one.in_use = 5;
    world.connects(client(3, 1001), kTask);
    EXPECT_FALSE(finish(one).full_sockets_differ) << "something has happened since";
}

TEST_F(Minis, ATotalThatIsNotKnownProvesNothing)
{
    make(1000, 2, TcpState::kTimeWait);
    begin();
    EXPECT_TRUE(finish({kNetns, 1s, 1s, std::nullopt, std::nullopt}).to_explain.empty());
}

/// A sweep of some namespaces and states leaves all others as they are.
TEST_F(Minis, AListOfTheHalfOpenStrikesNothingElse)
{
    make(1000, 2, TcpState::kTimeWait);
    world.tick(200s);
    for (int sweep = 0; sweep < 3; ++sweep) {
        world.sweep_begins();
        world.sweep_ends({.netns_inums = world.netns_inums,
                          .full_sockets = false,
                          .mini_states = 1U << 3,
                          .every_netns = false});
    }
    EXPECT_EQ(world.count(TcpState::kTimeWait), 2U);
    const std::vector<std::uint32_t> other{kNetns + 1};
    for (int sweep = 0; sweep < 3; ++sweep) {
        world.sweep_begins();
        world.sweep_ends({.netns_inums = other, .full_sockets = false, .every_netns = false});
    }
    EXPECT_EQ(world.count(TcpState::kTimeWait), 2U) << "that namespace may exist all the same";
}

/// Whatever states are asked for, a namespace that is no more has none of them.
TEST_F(Minis, ACensusWithoutTimeWaitsStrikesThoseOfAGoneNamespace)
{
    make(1000, 2, TcpState::kTimeWait);
    const std::vector<std::uint32_t> other{kNetns + 1};
    const auto census = [&](std::span<const std::uint32_t> unread, bool every_netns) {
        world.sweep_begins();
        world.sweep_ends({.netns_inums = other,
                          .mini_states = 1U << 3,
                          .every_netns = every_netns,
                          .unread_netns = unread});
    };
    for (int i = 0; i < 3; ++i) {
        census(world.netns_inums, true);
        census({}, false);
    }
    EXPECT_EQ(world.count(TcpState::kTimeWait), 2U) << "it exists, or may exist unseen";
    census({}, true);
    census({}, true);
    EXPECT_EQ(world.count(TcpState::kTimeWait), 0U);
}

/// One process that may not be looked at does not make all namespaces immortal.
TEST_F(Minis, ANamespaceThatWasSeenAndIsNoMoreHasGone)
{
    make(1000, 2, TcpState::kTimeWait);
    world.sweep_begins();
    world.sweep_ends(
        {.netns_inums = world.netns_inums, .mini_states = 1U << 3, .every_netns = false});
    EXPECT_EQ(world.count(TcpState::kTimeWait), 2U);
    for (int i = 0; i < 2; ++i) {
        world.sweep_begins();
        world.sweep_ends({.netns_inums = {}, .mini_states = 1U << 3, .every_netns = false});
    }
    EXPECT_EQ(world.count(TcpState::kTimeWait), 0U);
}

TEST_F(Minis, InANamespaceThatMayExistUnseenTheyLiveTheirLife)
{
    make(1000, 2, TcpState::kTimeWait);
    world.tick(126s);
    for (int i = 0; i < 2; ++i) {
        world.sweep_begins();
        world.sweep_ends({.netns_inums = {}, .every_netns = false});
    }
    EXPECT_EQ(world.count(TcpState::kTimeWait), 0U);
}

TEST_F(Minis, AWholeListProvesAtOnce)
{
    const auto socks = make(1000, 2, TcpState::kTimeWait);
    world.sweep_begins();
    world.listed(socks[0], TcpState::kTimeWait, 0);
    world.sweep_ends({.netns_inums = world.netns_inums,
                      .full_sockets = false,
                      .nothing_skipped = true,
                      .every_netns = false});
    EXPECT_EQ(world.count(TcpState::kTimeWait), 1U);
}

} // namespace
} // namespace tcpledger::test
