// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The books of a small world against witnesses made by hand: each kind of difference is found,
// what moves is let go, what stands still counts.
#include "../ledger/world.hpp"
#include "verify/verifier.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace tcpledger::test {
namespace {

const Task kServer{100, "server"};
const Task kClient{200, "client"};
const Sock kListener = listener(1);
const Sock kSock = client(2, 4000);
constexpr SettlingTimes kSettling{3s, 3s};

/// A world with a listener and a connection, and the witness that agrees with it.
class Verify : public ::testing::Test {
protected:
    Verify()
    {
        world.listens(kListener, kServer);
        world.connects(kSock, kClient);
        witness.started = world.tick();
        witness.finished = world.tick();
        witness.netns_inums = {kNetns};
        witness.links_complete = true;
        add(kListener, TcpState::kListen, 11, kServer);
        add(kSock, TcpState::kEstablished, 12, kClient);
    }

    PlainSocket& add(const Sock& sock, TcpState state, std::uint32_t inode)
    {
        return witness.sockets.emplace_back(PlainSocket{sock.tuple, sock.cookie, inode, 0, state});
    }
    void add(const Sock& sock, TcpState state, std::uint32_t inode, const Task& holder)
    {
        add(sock, state, inode);
        hold(inode, holder);
    }
    void hold(std::uint32_t inode, const Task& holder)
    {
        witness.links.holders[inode].push_back(
            static_cast<std::uint32_t>(witness.links.processes.size()));
        witness.links.processes.push_back({holder.pid, holder.key().start_ticks, holder.comm});
    }
    [[nodiscard]] Comparison look() const { return compare(copy_of(world.books()), witness); }
    /// The only difference; fails unless there is just one.
    [[nodiscard]] std::pair<DifferenceKey, Claims> difference() const
    {
        const Differences differences = look().differences;
        EXPECT_EQ(differences.size(), 1U);
        if (differences.empty()) {
            return {};
        }
        return *differences.begin();
    }

    World world;
    Witness witness;
};

TEST_F(Verify, AgreesWithTheSameBooks)
{
    const Comparison comparison = look();
    EXPECT_TRUE(comparison.differences.empty());
    EXPECT_TRUE(comparison.sums_agree);
    EXPECT_EQ(comparison.sockets, 2U);
    EXPECT_EQ(comparison.states_compared, 2U);
    EXPECT_EQ(comparison.owners_compared, 2U);
    const Balance& cell = comparison.by_netns.at({kNetns, TcpState::kEstablished});
    EXPECT_EQ(cell.kernel, 1);
    EXPECT_EQ(cell.books, 1);
    EXPECT_EQ(comparison.by_process.at({kClient.key(), TcpState::kEstablished}).books, 1);
}

TEST_F(Verify, FindsAnotherState)
{
    witness.sockets.back().state = TcpState::kCloseWait;
    const auto [key, claims] = difference();
    EXPECT_EQ(key.cookie, kSock.cookie);
    EXPECT_EQ(key.aspect, Aspect::kState);
    EXPECT_EQ(claims.kernel, TcpState::kCloseWait);
    EXPECT_EQ(claims.books, TcpState::kEstablished);
    EXPECT_EQ(look().by_netns.at({kNetns, TcpState::kCloseWait}).kernel, 1);
    EXPECT_EQ(look().by_netns.at({kNetns, TcpState::kCloseWait}).books, 0);
}

TEST_F(Verify, FindsWhatIsNotOnTheBooks)
{
    add(client(3, 4001), TcpState::kEstablished, 13);
    EXPECT_EQ(difference().second.books, std::nullopt);
}

TEST_F(Verify, FindsWhatTheKernelNoLongerHas)
{
    witness.sockets.pop_back();
    EXPECT_EQ(difference().second.kernel, std::nullopt);
}

TEST_F(Verify, ComparesNothingOfANamespaceThatWasNotSeen)
{
    witness.sockets.clear();
    witness.netns_inums.clear();
    EXPECT_TRUE(look().differences.empty());
}

TEST_F(Verify, FindsAnotherOwner)
{
    witness.links.processes[1] = {300, 7, "thief"};
    const auto [key, claims] = difference();
    EXPECT_EQ(key.aspect, Aspect::kOwner);
    EXPECT_EQ(claims.owner, kClient.key());
    ASSERT_EQ(claims.holders.size(), 1U);
    EXPECT_EQ(claims.holders[0].pid, 300U);
    EXPECT_EQ(look().by_process.at({kClient.key(), TcpState::kEstablished}).books, 1);
    EXPECT_EQ(look().by_process.at({kClient.key(), TcpState::kEstablished}).kernel, 0);
}

TEST_F(Verify, AReusedPidIsAnotherOwner)
{
    witness.links.processes[1].start_ticks += 1;
    EXPECT_EQ(difference().first.aspect, Aspect::kOwner);
}

TEST_F(Verify, AnyHolderMayBeTheOwner)
{
    hold(12, kServer);
    EXPECT_TRUE(look().differences.empty());
}

TEST_F(Verify, UnreadableProcessesLeaveOwnersOut)
{
    witness.links.processes[1] = {300, 7, "thief"};
    witness.links_complete = false;
    EXPECT_TRUE(look().differences.empty());
    EXPECT_EQ(look().owners_compared, 0U);
}

TEST_F(Verify, TheQueueBelongsToAHolderOfItsListener)
{
    const Sock queued = served(5, client(4, 4002), kListener);
    world.is_born(queued);
    witness.started = world.tick();
    add(queued, TcpState::kEstablished, 0);
    EXPECT_TRUE(look().differences.empty());
    EXPECT_EQ(look().owners_compared, 3U);
    witness.links.processes[0] = {300, 7, "thief"}; // holds the listener
    EXPECT_EQ(look().differences.size(), 2U);
}

TEST_F(Verify, MinisAreKnownByTheirTuple)
{
    Sock sock = kSock;
    world.closes(sock, kClient);
    witness.started = world.tick();
    witness.sockets.pop_back();
    sock.cookie = 77; // whatever cookie the kernel gives it
    add(sock, TcpState::kFinWait2, 0);
    EXPECT_TRUE(look().differences.empty());
    witness.sockets.back().state = TcpState::kTimeWait;
    EXPECT_EQ(difference().first.cookie, 0U);
    witness.sockets.pop_back();
    EXPECT_EQ(difference().second.kernel, std::nullopt);
}

TEST_F(Verify, WhatAnEventHasTouchedMoved)
{
    world.goes(kSock, TcpState::kEstablished, TcpState::kCloseWait);
    EXPECT_TRUE(look().differences.empty());
    EXPECT_EQ(look().moved, 1U);
    witness.started = world.tick();
    EXPECT_EQ(look().differences.size(), 1U);
}

TEST_F(Verify, CountsTheUnknown)
{
    const Sock stranger = client(9, 4009);
    world.goes(stranger, TcpState::kEstablished, TcpState::kCloseWait);
    EXPECT_EQ(look().unknown, 1U);
}

// ---- the judge

TEST_F(Verify, ACheckWithoutDifferencesIsOverAtOnce)
{
    Verifier verifier;
    const auto result = verifier.hear(look(), 10s, kSettling);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->looks, 1U);
    EXPECT_EQ(result->suspects, 0U);
    EXPECT_FALSE(verifier.checking());
}

TEST_F(Verify, WhatStandsStillCounts)
{
    Verifier verifier;
    witness.sockets.back().state = TcpState::kCloseWait;
    EXPECT_FALSE(verifier.hear(look(), 10s, kSettling));
    EXPECT_TRUE(verifier.checking());
    EXPECT_FALSE(verifier.hear(look(), 11s, kSettling));
    EXPECT_FALSE(verifier.hear(look(), 12'999ms, kSettling));
    const auto result = verifier.hear(look(), 13s, kSettling);
    ASSERT_TRUE(result);
    ASSERT_EQ(result->persistent.size(), 1U);
    EXPECT_EQ(result->persistent[0].lasted, 3s);
    EXPECT_EQ(result->looks, 4U);
    EXPECT_FALSE(verifier.checking());
}

TEST_F(Verify, OneLookAfterALongTimeProvesNothing)
{
    Verifier verifier;
    witness.sockets.pop_back();
    EXPECT_FALSE(verifier.hear(look(), 10s, kSettling));
    EXPECT_FALSE(verifier.hear(look(), 100s, kSettling));
    EXPECT_TRUE(verifier.hear(look(), 101s, kSettling));
}

TEST_F(Verify, WhatSettlesIsLetGo)
{
    Verifier verifier;
    Witness behind = witness;
    behind.sockets.back().state = TcpState::kCloseWait;
    EXPECT_FALSE(verifier.hear(compare(copy_of(world.books()), behind), 10s, kSettling));
    const auto result = verifier.hear(look(), 20s, kSettling);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->suspects, 1U);
    EXPECT_TRUE(result->persistent.empty());
}

TEST_F(Verify, WhatGoesOnInItsLifeIsLetGo)
{
    Verifier verifier;
    witness.sockets.back().state = TcpState::kCloseWait;
    EXPECT_FALSE(verifier.hear(look(), 10s, kSettling));
    witness.sockets.back().state = TcpState::kLastAck;
    EXPECT_TRUE(verifier.hear(look(), 20s, kSettling)->persistent.empty());
}

TEST_F(Verify, AWrongOwnerStaysWrongWhateverTheStateDoes)
{
    Verifier verifier;
    witness.links.processes[1] = {300, 7, "thief"};
    EXPECT_FALSE(verifier.hear(look(), 10s, kSettling));
    hold(12, {400, "another"});
    EXPECT_FALSE(verifier.hear(look(), 11s, kSettling));
    world.goes(kSock, TcpState::kEstablished, TcpState::kCloseWait);
    witness.sockets.back().state = TcpState::kCloseWait;
    witness.started = world.tick();
    const auto result = verifier.hear(look(), 14s, kSettling);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->persistent.size(), 1U);
}

TEST_F(Verify, NewSuspectsWaitForTheNextCheck)
{
    Verifier verifier;
    witness.sockets.back().state = TcpState::kCloseWait;
    EXPECT_FALSE(verifier.hear(look(), 10s, kSettling));
    witness.sockets.back().state = TcpState::kEstablished;
    add(client(3, 4001), TcpState::kEstablished, 13);
    EXPECT_TRUE(verifier.hear(look(), 20s, kSettling));
    EXPECT_FALSE(verifier.hear(look(), 21s, kSettling));
}

/// A tuple comes again and again under churn: another end of its timer, another life.
TEST_F(Verify, AnotherMiniOfTheSameTupleIsNotTheSame)
{
    Verifier verifier;
    PlainSocket& mini = add(client(50, 4444), TcpState::kTimeWait, 0);
    mini.expires_ms = 60'000;
    EXPECT_FALSE(verifier.hear(look(), 10s, kSettling));
    mini.expires_ms = 75'000;
    EXPECT_TRUE(verifier.hear(look(), 15s, kSettling)->persistent.empty());
}

TEST(SettlingTimes, FollowThePaceOfSweepsAndCensuses)
{
    const SettlingTimes quick = settling_times({300ms, 0s, 1s, false});
    EXPECT_EQ(quick.state, 10s);
    EXPECT_EQ(quick.owner, 4s);
    const SettlingTimes slow = settling_times({1s, 5s, 40s, false});
    EXPECT_EQ(slow.state, 93s);
    EXPECT_EQ(slow.owner, 82s);
}

TEST(SettlingTimes, ARepairHasABound)
{
    const SettlingTimes repair = settling_times({300ms, 0s, 1s, true});
    EXPECT_EQ(repair.state, 60s);
    EXPECT_EQ(repair.owner, 60s);
    EXPECT_EQ(settling_times({300ms, 0s, 40s, true}).state,
              settling_times({300ms, 0s, 40s, false}).state)
        << "never shorter than without";
}

} // namespace
} // namespace tcpledger::test
