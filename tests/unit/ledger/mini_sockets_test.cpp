// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What refined hooks tell: who accepted, and the life of mini-sockets; together with the
// transitions and the censuses that tell parts of the same.
#include "world.hpp"

#include <array>
#include <optional>
#include <sstream>
#include <utility>

namespace tcpledger {
namespace {

using namespace test;
using enum TcpState;

const Task kBrowser{100, "browser"};
const Task kServer{200, "server"};
const Task kWorker{201, "worker"};

struct MiniSockets : testing::Test {
    std::vector<std::string> lines; ///< "FIN_WAIT2 TIME_WAIT browser 3ms" of each transition shown
    World world{[this](const AppliedTransition& shown) {
        std::ostringstream line;
        line << state_name(shown.old_state) << ' ' << state_name(shown.new_state) << ' '
             << shown.owner.comm << ' ';
        if (shown.time_in_old_state) {
            line << *shown.time_in_old_state / 1ms << "ms";
        } else {
            line << '-';
        }
        lines.push_back(line.str());
    }};
    Sock listening = listener(1);
    Sock sock = client(7, 40000);
    Sock child = served(8, sock, listening);

    MiniSockets() { world.ledger.expect_told_minis(true, true); }

    /// close() of an established socket up to FIN_WAIT2, its next record not yet sent.
    Sock half_closes(Sock closing, const Task& task)
    {
        closing.shutdown = kBothShut;
        world.goes(closing, kEstablished, kFinWait1, task);
        closing.flags |= TL_FLAG_ORPHANED;
        world.goes(closing, kFinWait1, kFinWait2);
        return closing;
    }
    [[nodiscard]] std::string last_line() const { return lines.empty() ? "" : lines.back(); }
};

TEST_F(MiniSockets, TimeWaitFromItsBeginningToItsEnd)
{
    world.connects(sock, kBrowser);
    const Sock closing = half_closes(sock, kBrowser);
    world.leaves_behind(closing, kFinWait2, kFinWait2);
    EXPECT_EQ(last_line(), "FIN_WAIT1 FIN_WAIT2 browser 1ms") << "the state is still the same";
    EXPECT_EQ(world.state(sock), kFinWait2);
    world.goes(closing, kFinWait2, kClose);
    EXPECT_EQ(world.state(sock), kFinWait2) << "the mini-socket goes on";
    EXPECT_EQ(last_line(), "FIN_WAIT1 FIN_WAIT2 browser 1ms");
    world.mini_goes(sock, kFinWait2, kTimeWait);
    EXPECT_EQ(last_line(), "FIN_WAIT2 TIME_WAIT browser 3ms");
    world.mini_goes(sock, kFinWait2, kTimeWait); // a segment starts its timer anew
    EXPECT_EQ(lines.size(), 5U);
    world.tick(60s);
    world.mini_goes(sock, kTimeWait, kClose);
    EXPECT_EQ(last_line(), "TIME_WAIT CLOSE browser 60002ms");
    EXPECT_EQ(world.books().size(), 0U);
    EXPECT_EQ(world.ledger.counters().closed, 1U);
}

TEST_F(MiniSockets, TimeWaitAtOnce)
{
    world.connects(sock, kBrowser);
    Sock closing = half_closes(sock, kBrowser);
    closing.flags |= TL_FLAG_FIN_RECEIVED;
    world.leaves_behind(closing, kFinWait2, kTimeWait);
    EXPECT_EQ(last_line(), "FIN_WAIT2 TIME_WAIT browser 1ms");
    world.goes(closing, kFinWait2, kClose);
    EXPECT_EQ(world.count(kTimeWait), 1U);
    EXPECT_EQ(world.whose(sock), "close browser");
    EXPECT_EQ(world.ledger.counters().closed, 1U);
}

/// TCPTimeWaitOverflow, TCP_LINGER2 below 0: the transitions look just the same.
TEST_F(MiniSockets, NoneWhereNoneWasMade)
{
    world.connects(sock, kBrowser);
    Sock closing = half_closes(sock, kBrowser);
    closing.flags |= TL_FLAG_FIN_RECEIVED;
    world.goes(closing, kFinWait2, kClose);
    EXPECT_EQ(world.books().size(), 0U);
    EXPECT_EQ(last_line(), "FIN_WAIT2 CLOSE browser 1ms");

    world.ledger.expect_told_minis(false, false); // tracepoints alone have to conclude
    world.connects(sock, kBrowser);
    closing = half_closes(sock, kBrowser);
    closing.flags |= TL_FLAG_FIN_RECEIVED;
    world.goes(closing, kFinWait2, kClose);
    EXPECT_EQ(world.count(kTimeWait), 1U);
}

TEST_F(MiniSockets, WhatWasNotOnTheBooks)
{
    world.leaves_behind(sock, kFinWait2, kTimeWait); // older than the tracer
    EXPECT_EQ(world.state(sock), kTimeWait);
    EXPECT_EQ(last_line(), "FIN_WAIT2 TIME_WAIT [unknown] -");
    world.goes(sock, kFinWait2, kClose);
    EXPECT_EQ(world.books().size(), 1U);
    world.mini_goes(child, kTimeWait, kClose); // never heard of
    world.mini_goes(child, kNewSynRecv, kClose);
    EXPECT_EQ(world.books().size(), 1U);
    EXPECT_EQ(lines.size(), 1U);
}

/// The mini-socket is hashed, and may end on another CPU, before the full one is done.
TEST_F(MiniSockets, EndsBeforeTheFullSocketDoes)
{
    world.connects(sock, kBrowser);
    const Sock closing = half_closes(sock, kBrowser);
    world.leaves_behind(closing, kFinWait2, kFinWait2);
    world.mini_goes(sock, kFinWait2, kTimeWait);
    world.mini_goes(sock, kTimeWait, kClose);
    world.goes(closing, kFinWait2, kClose);
    EXPECT_EQ(world.books().size(), 0U);
}

TEST_F(MiniSockets, AMiniSocketGivesWayToTheSameSocketAnew)
{
    world.connects(sock, kBrowser);
    Sock closing = half_closes(sock, kBrowser);
    world.leaves_behind(closing, kFinWait2, kTimeWait);
    world.goes(closing, kFinWait2, kClose);
    // connect() of the same struct sock to the same peer takes the TIME_WAIT's place.
    world.goes(sock, kClose, kSynSent, kBrowser);
    world.mini_goes(sock, kTimeWait, kClose);
    world.goes(sock, kSynSent, kEstablished);
    EXPECT_EQ(world.books().size(), 1U);
    EXPECT_EQ(world.state(sock), kEstablished);
    world.goes(sock, kEstablished, kClose);
    EXPECT_EQ(world.books().size(), 0U);
}

TEST_F(MiniSockets, AcceptTellsTheOwnerAtOnce)
{
    world.listens(listening, kServer);
    world.is_born(child);
    EXPECT_EQ(world.whose(child), "listener server+unaccepted");
    world.accepts(child, kWorker);
    EXPECT_EQ(world.whose(child), "accept worker");
    world.goes(child, kEstablished, kCloseWait);
    EXPECT_EQ(last_line(), "ESTABLISHED CLOSE_WAIT worker 2ms") << "accept is no transition";
}

TEST_F(MiniSockets, AcceptByTheKernelAndOfTheUnknown)
{
    world.listens(listening, kServer);
    world.is_born(child);
    Sock for_kernel = child;
    for_kernel.flags = TL_FLAG_KERNEL_THREAD;
    world.accepts(for_kernel, Task{2, "kthreadd"});
    EXPECT_EQ(world.whose(child), "accept [kernel]");
    world.accepts(served(99, client(98, 41000), listening), kWorker); // has ended already
    EXPECT_EQ(world.books().size(), 2U);
}

/// By TCP Fast Open a connection can be accepted while it is in SYN_RECV.
TEST_F(MiniSockets, AcceptBeforeTheHandshakeIsOver)
{
    world.listens(listening, kServer);
    world.goes(child, kListen, kSynRecv);
    world.accepts(child, kWorker, kSynRecv);
    EXPECT_EQ(world.whose(child), "accept worker");
    EXPECT_EQ(world.count(kSynRecv), 1U);
    world.goes(child, kSynRecv, kEstablished);
    EXPECT_EQ(world.whose(child), "accept worker");
    EXPECT_EQ(world.books().size(), 2U);
    EXPECT_EQ(world.ledger.counters().opened, 1U);
}

TEST_F(MiniSockets, ARequestGrowsIntoAConnection)
{
    world.listens(listening, kServer);
    world.mini_goes(child, kListen, kNewSynRecv);
    EXPECT_EQ(world.count(kSynRecv), 1U);
    EXPECT_EQ(world.whose(child), "listener server+unaccepted");
    world.goes(child, kListen, kSynRecv);
    world.mini_goes(child, kNewSynRecv, kClose);
    world.goes(child, kSynRecv, kEstablished);
    EXPECT_EQ(world.count(kSynRecv), 0U);
    EXPECT_EQ(world.count(kEstablished), 1U);
    EXPECT_EQ(lines.size(), 3U) << "the life of a request has no lines";
}

TEST_F(MiniSockets, ARequestIsOfTheListenerThatGotIt)
{
    Sock sibling = listener(2);
    world.listens(listening, kServer);
    world.listens(sibling, kWorker);
    Sock request = served(9, sock, sibling);
    world.mini_goes(request, kListen, kNewSynRecv);
    EXPECT_EQ(world.whose(request), "listener worker+unaccepted");
    world.mini_goes(request, kNewSynRecv, kClose);
    EXPECT_EQ(world.books().size(), 2U);
}

TEST_F(MiniSockets, ARequestTakesTheTupleOfATimeWait)
{
    world.listens(listening, kServer);
    world.leaves_behind(child, kFinWait2, kTimeWait); // its end is lost
    world.mini_goes(child, kListen, kNewSynRecv);
    EXPECT_EQ(world.count(kTimeWait), 0U);
    EXPECT_EQ(world.count(kSynRecv), 1U);
    world.mini_goes(child, kTimeWait, kClose); // late: it is not that one
    EXPECT_EQ(world.count(kSynRecv), 1U);
}

// ---- together with a census

TEST_F(MiniSockets, ACensusThatListsWhatIsKnownChangesNothing)
{
    world.connects(sock, kBrowser);
    const Sock closing = half_closes(sock, kBrowser);
    world.leaves_behind(closing, kFinWait2, kTimeWait);
    world.goes(closing, kFinWait2, kClose);
    world.listens(listening, kServer);
    world.mini_goes(child, kListen, kNewSynRecv);
    for (int i = 0; i < 2; ++i) {
        world.sweep_begins();
        Sock mini = sock;
        mini.cookie = 500; // kernels that give the mini-socket one of its own
        world.listed(mini, kTimeWait, 0);
        Sock request = child;
        request.cookie = 501;
        world.listed(request, kSynRecv, 0);
        world.listed(listening, kListen, 10);
        world.held(listening, kServer);
        const SettlementReport report = world.sweep_ends();
        EXPECT_EQ(report.drift + report.entered + report.settled, 0U) << "census " << i;
    }
    EXPECT_EQ(world.whose(sock), "close browser");
    EXPECT_EQ(world.whose(child), "listener server+unaccepted");
}

/// The first census lists a mini-socket; the queue that is applied after it tells its life.
TEST_F(MiniSockets, TheQueueAfterTheFirstCensus)
{
    world.sweep_begins();
    world.listed(sock, kTimeWait, 0);
    world.listed(child, kSynRecv, 0);
    world.sweep_ends();
    EXPECT_EQ(world.books().size(), 2U);
    world.leaves_behind(sock, kFinWait2, kTimeWait);
    world.goes(sock, kFinWait2, kClose);
    world.mini_goes(child, kListen, kNewSynRecv);
    EXPECT_EQ(world.books().size(), 2U);
    EXPECT_EQ(world.count(kTimeWait), 1U);
    EXPECT_EQ(world.count(kSynRecv), 1U);
    world.mini_goes(sock, kTimeWait, kClose);
    world.mini_goes(child, kNewSynRecv, kClose);
    EXPECT_EQ(world.books().size(), 0U);
}

TEST_F(MiniSockets, WhatEndsDuringACensusIsNotBroughtBackByIt)
{
    world.leaves_behind(sock, kFinWait2, kTimeWait);
    world.mini_goes(child, kListen, kNewSynRecv);
    world.sweep_begins();
    world.mini_goes(sock, kTimeWait, kClose);
    world.mini_goes(child, kNewSynRecv, kClose);
    world.listed(sock, kTimeWait, 0);
    world.listed(child, kSynRecv, 0);
    world.sweep_ends();
    EXPECT_EQ(world.books().size(), 0U);
}

/// Records of a mini-socket are lost one by one; two censuses mend each.
TEST_F(MiniSockets, ALostRecordIsRepaired)
{
    world.leaves_behind(sock, kFinWait2, kFinWait2);
    const auto census = [&](std::optional<TcpState> state) {
        world.tick(1s);
        world.sweep_begins();
        if (state) {
            world.listed(sock, *state, 0);
        }
        return world.sweep_ends();
    };
    EXPECT_EQ(census(kTimeWait).settled, 1U);
    EXPECT_EQ(world.state(sock), kTimeWait);
    world.mini_goes(sock, kTimeWait, kClose);
    census(kTimeWait); // the record of its beginning was lost
    EXPECT_EQ(world.state(sock), kTimeWait);
    census(std::nullopt);
    census(std::nullopt);
    EXPECT_EQ(world.books().size(), 0U);
}

TEST_F(MiniSockets, EndWithTheirNamespaceWhichAnotherOfItsNumberTells)
{
    Sock elsewhere = client(9, 40000);
    elsewhere.tuple.netns_inum = kNetns + 1;
    const auto leave_time_wait = [&](const Sock& closing) {
        world.connects(closing, kBrowser);
        world.leaves_behind(half_closes(closing, kBrowser), kFinWait2, kTimeWait);
    };
    leave_time_wait(sock);
    leave_time_wait(elsewhere);
    const auto begins = [&](MonotonicTime at) {
        tl_netns_begin event{};
        event.header.time_ns = static_cast<std::uint64_t>(at.count());
        event.header.kind = TL_RECORD_NETNS_BEGIN;
        event.header.size_bytes = sizeof(event);
        event.netns_inum = kNetns;
        world.apply(event);
    };
    begins(world.tick());
    EXPECT_EQ(world.books().find_mini(sock.tuple), kNoConnection);
    EXPECT_EQ(world.state(elsewhere), kTimeWait);
    const MonotonicTime began = world.now;
    leave_time_wait(sock);
    begins(began);
    EXPECT_EQ(world.state(sock), kTimeWait) << "its own";
    EXPECT_EQ(world.ledger.counters().malformed, 0U);
}

} // namespace
} // namespace tcpledger
