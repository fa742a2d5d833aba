// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The gap-free start: rows of a dump and events of the same sockets in every order. In
// all of them each socket is on the books once, in its last state, or gone.
#include "world.hpp"

namespace tcpledger {
namespace {

using namespace test;
using enum TcpState;

const Task kBrowser{100, "browser"};
const Task kServer{200, "server"};

struct Start : testing::Test {
    World world;
    Sock listening = listener(1);
    Sock peer = client(2, 40000);
    Sock sock = served(3, peer, listening);

    void SetUp() override { world.sweep_begins(); }
};

// ---- the row first, the event applied after the sweep: how the session starts

TEST_F(Start, RowThenEvent)
{
    world.listed(peer, kEstablished, 70);
    world.sweep_ends();
    world.goes(peer, kEstablished, kCloseWait);
    EXPECT_EQ(world.state(peer), kCloseWait);
    EXPECT_EQ(world.books().size(), 1U);
}

TEST_F(Start, RowNewerThanItsEvents)
{
    world.listed(peer, kCloseWait, 70);
    world.sweep_ends();
    world.goes(peer, kSynSent, kEstablished); // queued since before the row was read
    EXPECT_EQ(world.state(peer), kEstablished);
    world.goes(peer, kEstablished, kCloseWait);
    EXPECT_EQ(world.state(peer), kCloseWait);
}

TEST_F(Start, RowOfAConnectionOpenedDuringTheDump)
{
    world.listed(peer, kEstablished, 70);
    world.held(peer, kServer);
    world.sweep_ends();
    world.connects(peer, kBrowser);
    EXPECT_EQ(world.books().size(), 1U);
    EXPECT_EQ(world.whose(peer), "connect browser");
    EXPECT_FALSE(world.find(peer)->age_is_lower_bound);
    EXPECT_EQ(world.ledger.counters().opened, 1U);
}

TEST_F(Start, RowOfASocketClosedDuringTheDump)
{
    world.listed(peer, kEstablished, 70);
    world.sweep_ends();
    world.goes(peer, kEstablished, kClose);
    EXPECT_EQ(world.books().size(), 0U);
}

TEST_F(Start, RowsOfASocketBothBeforeAndInTimeWait)
{
    world.listed(peer, kEstablished, 70);
    Sock mini = peer;
    mini.cookie = 99; // a dump gives the mini-socket a new one
    world.listed(mini, kFinWait2, 0);
    world.listed(mini, kTimeWait, 0); // skipped back in the bucket: listed again
    world.sweep_ends();
    world.closes(peer, kBrowser);
    EXPECT_EQ(world.books().size(), 1U);
    EXPECT_EQ(world.whose(peer), "close browser");
}

TEST_F(Start, RowRepeated)
{
    world.listed(peer, kEstablished, 70);
    world.listed(peer, kEstablished, 70);
    const SettlementReport report = world.sweep_ends();
    EXPECT_EQ(world.books().size(), 1U);
    EXPECT_EQ(report.entered, 1U);
    EXPECT_EQ(report.drift, 0U);
}

/// A passive connection is listed by its cookie; the record of its birth comes after.
TEST_F(Start, RowOfAChildBeforeTheRecordOfItsBirth)
{
    world.listed(listening, kListen, 70);
    world.listed(sock, kEstablished, 0);
    world.held(listening, kServer);
    world.sweep_ends();
    world.is_born(sock);
    EXPECT_EQ(world.books().size(), 2U);
    EXPECT_EQ(world.whose(sock), "listener server+unaccepted");
    EXPECT_TRUE(world.find(sock)->passive);
    EXPECT_NE(world.find(sock)->opened, MonotonicTime{}) << "it learns when it was born";
    EXPECT_EQ(world.ledger.counters().opened, 1U);
    world.closes(sock, kServer);
    EXPECT_EQ(world.count(kFinWait2), 1U);
    EXPECT_EQ(world.books().size(), 2U);
}

/// … and it was accepted and seen held before.
TEST_F(Start, RowOfAnAcceptedChildBeforeTheRecordOfItsBirth)
{
    world.listed(listening, kListen, 70);
    world.listed(sock, kEstablished, 71);
    world.held(listening, kServer);
    world.held(sock, kServer);
    world.sweep_ends();
    world.is_born(sock);
    EXPECT_EQ(world.books().size(), 2U);
    EXPECT_EQ(world.owner(sock).comm, "server");
    EXPECT_FALSE(world.find(sock)->unaccepted) << "who holds it has accepted it";
}

TEST_F(Start, RowOfAHalfOpenConnectionBeforeItsBirth)
{
    world.listed(listening, kListen, 70);
    Sock request = sock;
    request.cookie = 98;
    world.listed(request, kSynRecv, 0);
    world.held(listening, kServer);
    world.sweep_ends();
    world.is_born(sock);
    EXPECT_EQ(world.books().size(), 2U);
    EXPECT_EQ(world.count(kSynRecv), 0U);
}

TEST_F(Start, RowOfAListenerBeforeItsEvent)
{
    world.listed(listening, kListen, 70);
    world.sweep_ends();
    world.listens(listening, kServer);
    EXPECT_EQ(world.count(kListen), 1U);
    world.is_born(sock);
    EXPECT_EQ(world.whose(sock), "listener server+unaccepted");
    world.goes(listening, kListen, kClose, kServer);
    EXPECT_EQ(world.count(kListen), 0U);
}

TEST_F(Start, TimeWaitFoundAndItsTupleUsedAgain)
{
    world.listed(peer, kTimeWait, 0);
    world.sweep_ends();
    Sock again = client(50, 40000);
    world.connects(again, kBrowser);
    EXPECT_EQ(world.books().size(), 1U);
    EXPECT_EQ(world.state(again), kEstablished);
}

TEST_F(Start, OrphanedFinWait2FoundThenItsEnd)
{
    world.listed(peer, kFinWait2, 0); // a full socket, as after tcp_fin_timeout > 60
    world.sweep_ends();
    peer.flags = TL_FLAG_ORPHANED | TL_FLAG_FIN_RECEIVED;
    world.goes(peer, kFinWait2, kClose);
    EXPECT_EQ(world.books().size(), 1U);
    EXPECT_EQ(world.state(peer), kTimeWait);
}

// ---- the event first, the row after: the ring filled up, or a later sweep

TEST_F(Start, EventThenOlderRow)
{
    world.goes(peer, kEstablished, kCloseWait);
    world.listed(peer, kEstablished, 70);
    world.sweep_ends();
    EXPECT_EQ(world.state(peer), kCloseWait);
}

TEST_F(Start, SocketClosedBeforeItsRow)
{
    world.goes(peer, kEstablished, kClose);
    world.listed(peer, kEstablished, 70);
    const SettlementReport report = world.sweep_ends();
    EXPECT_EQ(world.books().size(), 0U);
    EXPECT_EQ(report.entered, 0U);
}

TEST_F(Start, SocketInTimeWaitBeforeItsRow)
{
    world.goes(peer, kEstablished, kFinWait1, kBrowser);
    world.goes(peer, kFinWait1, kFinWait2);
    Sock ended = peer;
    ended.flags = TL_FLAG_ORPHANED;
    world.goes(ended, kFinWait2, kClose);
    world.listed(peer, kEstablished, 70); // read before all of this
    Sock mini = peer;
    mini.cookie = 99;
    world.listed(mini, kFinWait2, 0);
    world.sweep_ends();
    EXPECT_EQ(world.books().size(), 1U);
    EXPECT_EQ(world.state(peer), kFinWait2);
}

/// The mini-socket of one end moved on because the other end's event said so; a row read
/// before that does not move it back.
TEST_F(Start, SettledPeerIsNotMovedBackByAnOlderRow)
{
    World later;
    later.listens(listening, kServer);
    later.connects(peer, kBrowser);
    later.is_born(sock);
    later.closes(peer, kBrowser);
    later.goes(sock, kEstablished, kCloseWait);
    later.goes(sock, kCloseWait, kLastAck, kServer);
    later.sweep_begins();
    later.goes(sock, kLastAck, kClose);
    later.listed(peer, kFinWait2, 0);
    later.listed(listening, kListen, 70);
    later.sweep_ends();
    EXPECT_EQ(later.state(peer), kTimeWait);
}

TEST_F(Start, MiniSocketReplacedBeforeItsRow)
{
    world.goes(peer, kFinWait1, kFinWait2);
    Sock ended = peer;
    ended.flags = TL_FLAG_ORPHANED;
    world.goes(ended, kFinWait2, kClose);
    Sock again = client(50, 40000);
    world.connects(again, kBrowser); // on the same tuple
    Sock mini = peer;
    mini.cookie = 99;
    world.listed(mini, kTimeWait, 0); // read before
    world.sweep_ends();
    EXPECT_EQ(world.books().size(), 1U);
    EXPECT_EQ(world.state(again), kEstablished);
}

TEST_F(Start, EmbryoListedByItsCookieBetweenItsTwoRecords)
{
    world.listens(listening, kServer);
    world.goes(sock, kListen, kSynRecv);
    world.listed(sock, kEstablished, 0); // the kernel was faster than the ring
    world.sweep_ends();
    world.goes(sock, kSynRecv, kEstablished);
    EXPECT_EQ(world.books().size(), 2U);
    EXPECT_EQ(world.state(sock), kEstablished);
    EXPECT_EQ(world.whose(sock), "listener server+unaccepted");
}

TEST_F(Start, WhatEndedInAnEarlierSweepMayComeAgain)
{
    Sock ended = peer;
    world.goes(ended, kEstablished, kClose);
    world.sweep_ends();
    world.sweep_begins();
    world.listed(peer, kEstablished, 70); // its cookie cannot come again, its tuple can
    world.sweep_ends();
    EXPECT_EQ(world.books().size(), 1U);
}

TEST_F(Start, SeededOnceAWholeSweepIsDone)
{
    EXPECT_FALSE(world.settlement.seeded());
    world.sweep_ends(/*holders=*/true, /*full_sockets=*/false);
    EXPECT_FALSE(world.settlement.seeded()) << "mini-sockets only";
    world.sweep_begins();
    world.sweep_ends();
    EXPECT_TRUE(world.settlement.seeded());
}

} // namespace
} // namespace tcpledger
