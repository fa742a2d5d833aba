// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Whose books a connection is on, and how that is known: what events tell, and what a
// census of descriptors adds.
// Over 400 lines because each rule of ownership is told with the evidence for and against it.
#include "world.hpp"

namespace tcpledger {
namespace {

using namespace test;
using enum TcpState;

const Task kBrowser{100, "browser"};
const Task kServer{200, "server"};
const Task kWorker{201, "worker"};
const Task kKworker{5, "kworker/0:1"};

struct Owners : testing::Test {
    World world;
    Sock listening = listener(1);
    Sock peer = client(2, 40000);
    Sock sock = served(3, peer, listening);

    /// A sweep that lists what is given and sees it held by these.
    SettlementReport sweep(const std::vector<std::pair<Sock, std::vector<Task>>>& seen)
    {
        world.sweep_begins();
        for (const auto& [one, holders] : seen) {
            const bool listens = one.tuple.remote.port == 0;
            world.listed(one, listens ? kListen : world.state(one), holders.empty() ? 0 : 77);
        }
        for (const auto& [one, holders] : seen) {
            for (const Task& holder : holders) {
                world.held(one, holder);
            }
        }
        return world.sweep_ends();
    }
};

// ---- by events

TEST_F(Owners, WhoConnectsOwns)
{
    world.connects(peer, kBrowser);
    EXPECT_EQ(world.whose(peer), "connect browser");
}

TEST_F(Owners, WhoListensOwns)
{
    world.listens(listening, kServer);
    EXPECT_EQ(world.whose(listening), "listen server");
}

TEST_F(Owners, KernelThreadsSocketsAreTheKernels)
{
    Sock nfs = peer;
    nfs.flags = TL_FLAG_KERNEL_THREAD;
    world.goes(nfs, kClose, kSynSent, kKworker);
    EXPECT_EQ(world.whose(nfs), "connect [kernel]");
    Sock lockd = listening;
    lockd.flags = TL_FLAG_KERNEL_THREAD;
    world.listens(lockd, kKworker);
    EXPECT_EQ(world.whose(lockd), "listen [kernel]");
    EXPECT_EQ(world.books().processes().size(), 2U) << "no kernel thread becomes a process";
}

TEST_F(Owners, ClosedByAKernelThreadStaysWithItsProcess)
{
    world.connects(peer, kBrowser);
    peer.flags = TL_FLAG_KERNEL_THREAD;
    peer.shutdown = kBothShut;
    world.goes(peer, kEstablished, kFinWait1, kKworker); // delayed fput
    EXPECT_EQ(world.whose(peer), "connect browser");
}

TEST_F(Owners, WhoClosesOwns)
{
    world.connects(peer, kBrowser);
    world.closes(peer, kWorker); // inherited by fork, closed last by the child
    EXPECT_EQ(world.whose(peer), "close worker");
}

TEST_F(Owners, WhoClosesAnUnacceptedConnectionHadAcceptedIt)
{
    world.listens(listening, kServer);
    world.is_born(sock);
    sock.shutdown = kBothShut;
    world.goes(sock, kEstablished, kFinWait1, kWorker);
    EXPECT_EQ(world.whose(sock), "close worker");
}

TEST_F(Owners, ClosesAfterThePeer)
{
    world.connects(peer, kBrowser);
    world.goes(peer, kEstablished, kCloseWait);
    EXPECT_EQ(world.whose(peer), "connect browser");
    peer.shutdown = kBothShut;
    world.goes(peer, kCloseWait, kLastAck, kBrowser);
    EXPECT_EQ(world.whose(peer), "close browser");
}

TEST_F(Owners, HalfCloseProvesADescriptor)
{
    world.connects(peer, kBrowser);
    peer.shutdown = kWriteShut;
    world.goes(peer, kEstablished, kFinWait1, kBrowser);
    EXPECT_EQ(world.whose(peer), "connect browser");
    world.listens(listening, kServer);
    world.is_born(sock);
    sock.shutdown = kWriteShut;
    world.goes(sock, kEstablished, kFinWait1, kWorker);
    EXPECT_EQ(world.whose(sock), "held worker");
}

TEST_F(Owners, AListenersEndChangesNobody)
{
    std::string owner;
    World told([&](const AppliedTransition& transition) { owner = transition.owner.comm; });
    told.listens(listening, kServer);
    told.goes(listening, kListen, kClose, kWorker);
    EXPECT_EQ(owner, "server");
}

TEST_F(Owners, ReusedPidIsAnotherProcess)
{
    Task reused = kBrowser;
    reused.start_ns += 5'000'000'000;
    reused.comm = "impostor";
    world.connects(peer, kBrowser);
    world.connects(client(9, 40009), reused);
    EXPECT_EQ(world.whose(peer), "connect browser");
    EXPECT_EQ(world.whose(client(9, 40009)), "connect impostor");
    EXPECT_EQ(world.books().processes().size(), 4U);
}

TEST_F(Owners, ExecRenamesTheProcess)
{
    world.connects(peer, kBrowser);
    Task renamed = kBrowser;
    renamed.comm = "shell";
    world.execs(renamed);
    EXPECT_EQ(world.owner(peer).comm, "shell");
    EXPECT_FALSE(world.owner(peer).exited);
}

TEST_F(Owners, ExitIsMarkedAndTheConnectionStays)
{
    world.connects(peer, kBrowser);
    world.exits(kBrowser);
    EXPECT_TRUE(world.owner(peer).exited);
    world.closes(peer, kBrowser); // exit_files() comes after the record of the exit
    EXPECT_EQ(world.whose(peer), "close browser");
    EXPECT_TRUE(world.owner(peer).exited);
    world.ledger.begin_interval();
    EXPECT_EQ(world.books().processes().size(), 3U) << "it owns a mini-socket";
}

TEST_F(Owners, StrangersLeaveNoTrace)
{
    world.execs(kWorker);
    world.exits(kWorker);
    EXPECT_EQ(world.books().processes().size(), 2U);
    EXPECT_EQ(world.ledger.counters().malformed, 0U);
}

// ---- by a census

TEST_F(Owners, AcceptedByWhoHoldsIt)
{
    world.listens(listening, kServer);
    world.is_born(sock);
    sweep({{listening, {kServer}}, {sock, {kServer}}});
    EXPECT_EQ(world.whose(sock), "accept server");
    EXPECT_EQ(world.whose(listening), "listen server");
}

TEST_F(Owners, AcceptedByAWorker)
{
    world.listens(listening, kServer);
    world.is_born(sock);
    sweep({{listening, {kServer, kWorker}}, {sock, {kWorker}}});
    EXPECT_EQ(world.whose(sock), "accept worker");
}

/// dup() makes no second holder.
TEST_F(Owners, AcceptedByAWorkerWithTwoDescriptors)
{
    world.listens(listening, kServer);
    world.is_born(sock);
    sweep({{listening, {kServer}}, {sock, {kWorker, kWorker}}});
    EXPECT_EQ(world.whose(sock), "accept worker");
}

TEST_F(Owners, HeldByTwoStrangersTheSmallestPidOwns)
{
    world.listens(listening, kServer);
    world.is_born(sock);
    sweep({{listening, {kServer}}, {sock, {Task{302, "late"}, Task{301, "early"}}}});
    EXPECT_EQ(world.whose(sock), "held early");
}

TEST_F(Owners, UnacceptedStaysWithTheListener)
{
    world.listens(listening, kServer);
    world.is_born(sock);
    sweep({{listening, {kServer}}, {sock, {}}});
    EXPECT_EQ(world.whose(sock), "listener server+unaccepted");
}

/// An inode without a descriptor: taken by io_uring, or in flight in a Unix socket.
TEST_F(Owners, AcceptedByNoDescriptor)
{
    world.listens(listening, kServer);
    world.is_born(sock);
    world.sweep_begins();
    world.listed(listening, kListen, 70);
    world.listed(sock, kEstablished, 71);
    world.held(listening, kServer);
    world.sweep_ends();
    EXPECT_EQ(world.whose(sock), "accept server");
}

TEST_F(Owners, InheritedWhenTheOwnerHoldsItNoMore)
{
    world.connects(peer, kBrowser);
    sweep({{peer, {kBrowser, kWorker}}});
    EXPECT_EQ(world.whose(peer), "connect browser");
    sweep({{peer, {kWorker}}});
    EXPECT_EQ(world.whose(peer), "inherited worker");
}

TEST_F(Owners, OwnerThatExitedLeavesItsSocketToAnHeir)
{
    world.connects(peer, kBrowser);
    world.exits(kBrowser);
    sweep({{peer, {kWorker}}});
    EXPECT_EQ(world.whose(peer), "inherited worker");
    world.ledger.begin_interval();
    EXPECT_EQ(world.books().processes().size(), 3U) << "the dead owner is forgotten";
}

TEST_F(Owners, ShutDownBothWaysButNotClosed)
{
    world.connects(peer, kBrowser);
    peer.shutdown = kBothShut;
    world.goes(peer, kEstablished, kFinWait1, kBrowser);
    world.goes(peer, kFinWait1, kFinWait2);
    EXPECT_EQ(world.whose(peer), "close browser");
    sweep({{peer, {kBrowser}}});
    EXPECT_EQ(world.whose(peer), "held browser");
}

TEST_F(Owners, OrphanStaysWithWhoClosedIt)
{
    world.connects(peer, kBrowser);
    peer.shutdown = kBothShut;
    world.goes(peer, kEstablished, kFinWait1, kBrowser);
    sweep({{peer, {}}});
    EXPECT_EQ(world.whose(peer), "close browser");
}

TEST_F(Owners, WithAnInodeThatNobodyHoldsIsTheKernels)
{
    world.sweep_begins();
    world.listed(peer, kEstablished, 71);
    world.sweep_ends();
    EXPECT_EQ(world.whose(peer), "held [kernel]");
    // It was in flight between two processes after all.
    sweep({{peer, {kBrowser}}});
    EXPECT_EQ(world.whose(peer), "held browser");
}

/// A command has the kernel listen, and ends.
TEST_F(Owners, WhatOutlivesItsProcessInNobodysHandsIsTheKernels)
{
    world.listens(listening, kServer);
    const auto see_it = [&](bool every_process) {
        world.sweep_begins();
        world.listed(listening, kListen, 71);
        world.sweep_ends(
            {.netns_inums = world.netns_inums, .holders = true, .every_process = every_process});
        return world.whose(listening);
    };
    EXPECT_EQ(see_it(true), "listen server") << "its descriptor may be under way";
    world.exits(kServer);
    EXPECT_EQ(see_it(false), "listen server");
    EXPECT_EQ(see_it(true), "held [kernel]");
}

/// Some processes may not be looked at: what nobody else holds may be theirs.
TEST_F(Owners, WhatOnlyHiddenProcessesMayHoldIsNobodys)
{
    world.sweep_begins();
    world.listed(peer, kEstablished, 71);
    world.sweep_ends({.netns_inums = world.netns_inums, .holders = true, .every_process = false});
    EXPECT_EQ(world.whose(peer), "unknown [unknown]");
}

TEST_F(Owners, NobodyIsBlamedWhereDescriptorsWereNotSeen)
{
    world.connects(peer, kBrowser);
    const Sock old = client(9, 40009);
    world.sweep_begins();
    world.listed(peer, kEstablished, 70);
    world.listed(old, kEstablished, 71);
    world.sweep_ends(/*holders=*/false);
    EXPECT_EQ(world.whose(peer), "connect browser");
    EXPECT_EQ(world.whose(old), "unknown [unknown]");
}

TEST_F(Owners, HeldAtTheStart)
{
    sweep({{listening, {kServer}}, {peer, {kBrowser}}});
    EXPECT_EQ(world.whose(listening), "held server");
    EXPECT_EQ(world.whose(peer), "held browser");
    EXPECT_TRUE(world.find(peer)->age_is_lower_bound);
}

TEST_F(Owners, QueueFoundAtTheStart)
{
    world.sweep_begins();
    world.listed(listening, kListen, 70);
    world.listed(sock, kEstablished, 0);
    world.held(listening, kServer);
    world.sweep_ends();
    EXPECT_EQ(world.whose(sock), "listener server+unaccepted");
}

/// The dump of one namespace gives listeners first; the books have them in any order.
TEST_F(Owners, QueueFoundBeforeItsListener)
{
    world.sweep_begins();
    world.listed(sock, kEstablished, 0);
    world.listed(listening, kListen, 70);
    world.held(listening, kServer);
    world.sweep_ends();
    EXPECT_EQ(world.whose(sock), "listener server+unaccepted");
}

TEST_F(Owners, HalfOpenConnectionFoundAtTheStart)
{
    world.sweep_begins();
    world.listed(listening, kListen, 70);
    world.listed(sock, kSynRecv, 0);
    world.held(listening, kServer);
    world.sweep_ends();
    EXPECT_EQ(world.whose(sock), "listener server+unaccepted");
    EXPECT_EQ(world.state(sock), kSynRecv);
    world.is_born(sock); // its handshake ends: the request becomes a socket
    EXPECT_EQ(world.books().size(), 2U);
    EXPECT_EQ(world.whose(sock), "listener server+unaccepted");
}

/// Born of a listener whose owner nobody knew yet.
TEST_F(Owners, QueueLearnsTheListenersOwnerLater)
{
    world.sweep_begins();
    world.listed(listening, kListen, 70);
    world.sweep_ends(/*holders=*/false);
    world.is_born(sock);
    EXPECT_EQ(world.owner(sock).comm, "[unknown]");
    sweep({{listening, {kServer}}, {sock, {}}});
    EXPECT_EQ(world.whose(sock), "listener server+unaccepted");
}

/// A listener handed over to a successor takes its queue with it.
TEST_F(Owners, QueueFollowsAListenerThatWasHandedOver)
{
    world.listens(listening, kServer);
    world.is_born(sock);
    world.exits(kServer);
    sweep({{listening, {kWorker}}, {sock, {}}});
    EXPECT_EQ(world.whose(listening), "inherited worker");
    EXPECT_EQ(world.whose(sock), "listener worker+unaccepted");
}

TEST_F(Owners, SiblingsQueueIsNotMixedUpByASweep)
{
    const Sock sibling = listener(9);
    world.listens(listening, kServer);
    world.listens(sibling, kWorker);
    const Sock other = served(10, client(11, 40001), sibling);
    world.is_born(sock);
    world.is_born(other);
    sweep({{listening, {kServer}}, {sibling, {kWorker}}, {sock, {}}, {other, {}}});
    EXPECT_EQ(world.whose(sock), "listener server+unaccepted");
    EXPECT_EQ(world.whose(other), "listener worker+unaccepted");
}

/// The address of a listener's struct sock, learned from a descriptor, tells siblings apart.
TEST_F(Owners, ListenerKnownFromACensusIsFoundByItsAddress)
{
    const Sock sibling = listener(9);
    sweep({{listening, {kServer}}, {sibling, {kWorker}}});
    const Sock other = served(10, client(11, 40001), sibling);
    world.is_born(sock);
    world.is_born(other);
    EXPECT_EQ(world.whose(sock), "listener server+unaccepted");
    EXPECT_EQ(world.whose(other), "listener worker+unaccepted");
}

TEST_F(Owners, MiniSocketsHaveNoHolder)
{
    world.connects(peer, kBrowser);
    world.closes(peer, kBrowser);
    sweep({{peer, {}}});
    EXPECT_EQ(world.whose(peer), "close browser");
}

TEST_F(Owners, TimeWaitOlderThanTheTracerIsNobodys)
{
    world.sweep_begins();
    world.listed(peer, kTimeWait, 0);
    world.sweep_ends();
    EXPECT_EQ(world.whose(peer), "unknown [unknown]");
}

/// The exit's record comes before those of the sockets that it closes.
TEST_F(Owners, KnownByItsEndAlone)
{
    world.exits(kBrowser);
    world.goes(peer, kEstablished, kFinWait1, kBrowser);
    EXPECT_TRUE(world.owner(peer).exited);
}

/// By TCP Fast Open a socket is accepted and closed before its handshake is over.
TEST_F(Owners, ClosedBeforeItIsEstablished)
{
    world.listens(listening, kServer);
    Sock child = served(10, peer, listening);
    world.goes(child, kListen, kSynRecv);
    child.shutdown = kBothShut;
    world.goes(child, kSynRecv, kFinWait1, kWorker);
    EXPECT_EQ(world.whose(child), "close worker");
}

} // namespace
} // namespace tcpledger
