// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sweeps after the start: what counts as drift, when a socket that is not listed is
// gone, and what a sweep that did not see everything leaves alone.
#include "world.hpp"

namespace tcpledger {
namespace {

using namespace test;
using enum TcpState;

const Task kBrowser{100, "browser"};

struct Sweeps : testing::Test {
    World world;
    Sock peer = client(2, 40000);

    /// The start: an empty host.
    void SetUp() override
    {
        world.sweep_begins();
        world.sweep_ends();
    }

    SettlementReport sweep(const std::vector<std::pair<Sock, TcpState>>& rows,
                           std::uint32_t inode = 70)
    {
        world.sweep_begins();
        for (const auto& [sock, state] : rows) {
            world.listed(sock, state, state == kTimeWait || state == kFinWait2 ? 0 : inode);
        }
        return world.sweep_ends();
    }
    void make_time_wait(const Sock& sock)
    {
        world.connects(sock, kBrowser);
        Sock ended = sock;
        world.goes(ended, kEstablished, kFinWait1, kBrowser);
        world.goes(ended, kFinWait1, kFinWait2);
        ended.flags = TL_FLAG_FIN_RECEIVED | TL_FLAG_ORPHANED;
        world.goes(ended, kFinWait2, kClose);
        ASSERT_EQ(world.state(sock), kTimeWait);
    }
};

TEST_F(Sweeps, AgreementIsNoDrift)
{
    world.connects(peer, kBrowser);
    const SettlementReport report = sweep({{peer, kEstablished}});
    EXPECT_EQ(report.drift, 0U);
    EXPECT_EQ(report.settled, 0U);
    EXPECT_EQ(report.entered, 0U);
    EXPECT_FALSE(world.find(peer)->age_is_lower_bound);
}

TEST_F(Sweeps, LostTransitionIsDriftAndMended)
{
    world.connects(peer, kBrowser);
    const SettlementReport report = sweep({{peer, kCloseWait}});
    EXPECT_EQ(report.drift, 1U);
    EXPECT_EQ(world.state(peer), kCloseWait);
    EXPECT_EQ(world.whose(peer), "connect browser");
    EXPECT_TRUE(world.find(peer)->age_is_lower_bound);
}

TEST_F(Sweeps, ConnectLearnsItsLocalPort)
{
    world.goes(peer, kClose, kSynSent, kBrowser);
    EXPECT_EQ(world.find(peer)->tuple.local.port, 0);
    EXPECT_EQ(sweep({{peer, kSynSent}}).drift, 0U);
    EXPECT_EQ(world.find(peer)->tuple, peer.tuple);
}

TEST_F(Sweeps, LostOpeningIsDriftAndMended)
{
    const SettlementReport report = sweep({{peer, kEstablished}});
    EXPECT_EQ(report.drift, 1U);
    EXPECT_EQ(report.entered, 1U);
}

TEST_F(Sweeps, LostEndIsDriftAfterTwoSweeps)
{
    world.connects(peer, kBrowser);
    const SettlementReport first = sweep({});
    EXPECT_EQ(first.drift, 0U) << "a dump can skip a socket";
    EXPECT_EQ(first.missed, 1U);
    EXPECT_EQ(world.books().size(), 1U);
    const SettlementReport second = sweep({});
    EXPECT_EQ(second.drift, 1U) << "hardly twice";
    EXPECT_EQ(second.missed, 0U);
    EXPECT_EQ(world.books().size(), 0U);
}

TEST_F(Sweeps, SkippedOnceAndAgainIsStillThere)
{
    world.connects(peer, kBrowser);
    for (int round = 0; round < 10; ++round) {
        EXPECT_EQ(sweep({}).drift, 0U);
        EXPECT_EQ(sweep({{peer, kEstablished}}).drift, 0U);
    }
    EXPECT_EQ(world.books().size(), 1U);
}

TEST_F(Sweeps, EventDuringTheSweepSpeaksForTheSocket)
{
    world.connects(peer, kBrowser);
    EXPECT_EQ(sweep({}).drift, 0U);
    world.sweep_begins();
    world.goes(peer, kEstablished, kCloseWait);
    EXPECT_EQ(world.sweep_ends().drift, 0U);
    EXPECT_EQ(world.books().size(), 1U);
}

TEST_F(Sweeps, MissesBeforeAndAfterAnEventAreNotTwoInARow)
{
    world.connects(peer, kBrowser);
    EXPECT_EQ(sweep({}).drift, 0U);
    world.sweep_begins();
    world.goes(peer, kEstablished, kCloseWait);
    world.sweep_ends();
    EXPECT_EQ(sweep({}).drift, 0U);
    EXPECT_EQ(world.state(peer), kCloseWait);
}

/// The records of its birth were lost: the dump shows a socket where a request was.
TEST_F(Sweeps, HalfOpenConnectionBecomesASocketUnseen)
{
    world.sweep_begins();
    world.listed(peer, kSynRecv, 0);
    world.sweep_ends();
    world.sweep_begins();
    world.listed(peer, kEstablished, 70);
    world.held(peer, kBrowser);
    const SettlementReport report = world.sweep_ends();
    EXPECT_EQ(world.books().size(), 1U);
    EXPECT_EQ(report.drift, 1U);
    EXPECT_EQ(report.settled, 1U);
    EXPECT_EQ(world.whose(peer), "held browser");
}

TEST_F(Sweeps, MiniSocketsSettleWithoutDrift)
{
    world.connects(peer, kBrowser);
    world.closes(peer, kBrowser);
    const SettlementReport moved = sweep({{peer, kTimeWait}});
    EXPECT_EQ(moved.drift, 0U);
    EXPECT_EQ(moved.settled, 1U);
    EXPECT_EQ(world.state(peer), kTimeWait);
    EXPECT_EQ(world.whose(peer), "close browser");
}

/// tcp_max_tw_buckets was reached: no mini-socket was made.
TEST_F(Sweeps, MiniSocketThatWasNeverMade)
{
    make_time_wait(peer);
    EXPECT_EQ(sweep({}).settled, 0U);
    const SettlementReport report = sweep({});
    EXPECT_EQ(report.settled, 1U);
    EXPECT_EQ(report.drift, 0U);
    EXPECT_EQ(world.books().size(), 0U);
}

TEST_F(Sweeps, TimeWaitIsOverAfterItsTime)
{
    make_time_wait(peer);
    world.tick(59s);
    EXPECT_EQ(sweep({{peer, kTimeWait}}).settled, 0U);
    world.tick(1s);
    const SettlementReport report = sweep({});
    EXPECT_EQ(report.settled, 1U) << "one miss is enough when its time is up";
    EXPECT_EQ(report.drift, 0U);
    EXPECT_EQ(world.books().size(), 0U);
}

TEST_F(Sweeps, TimeWaitIsListedBeyondItsTime)
{
    make_time_wait(peer);
    world.tick(61s); // the timer wheel is coarse, and a late segment starts it anew
    EXPECT_EQ(sweep({{peer, kTimeWait}}).settled, 0U);
    EXPECT_EQ(world.books().size(), 1U);
}

TEST_F(Sweeps, HalfOpenConnectionIsGoneAtOnce)
{
    const Sock listening = listener(1, 80);
    world.listens(listening, kBrowser);
    world.sweep_begins();
    world.listed(listening, kListen, 70);
    world.listed(peer, kSynRecv, 0);
    const SettlementReport came = world.sweep_ends();
    EXPECT_EQ(came.entered, 1U);
    EXPECT_EQ(came.drift, 0U) << "half-open connections make no events";
    const SettlementReport went = sweep({{listening, kListen}});
    EXPECT_EQ(went.settled, 1U);
    EXPECT_EQ(went.drift, 0U);
    EXPECT_EQ(world.books().size(), 1U);
}

/// A FIN_WAIT2 without inode, found in a dump, is nearly always a mini-socket: its later
/// life makes no event, and is no drift.
TEST_F(Sweeps, FinWait2FoundInADumpSettlesWithoutDrift)
{
    World fresh;
    fresh.sweep_begins();
    fresh.listed(peer, kFinWait2, 0);
    fresh.sweep_ends();
    EXPECT_EQ(fresh.count(kFinWait2), 1U);
    fresh.sweep_begins();
    fresh.listed(peer, kTimeWait, 0);
    const SettlementReport moved = fresh.sweep_ends();
    EXPECT_EQ(moved.drift, 0U);
    EXPECT_EQ(fresh.count(kTimeWait), 1U);
    fresh.tick(61s);
    fresh.sweep_begins();
    const SettlementReport gone = fresh.sweep_ends();
    EXPECT_EQ(gone.drift, 0U);
    EXPECT_EQ(fresh.books().size(), 0U);
}

/// The record FIN_WAIT2 → CLOSE was lost, and the kernel keeps the cookie in the
/// mini-socket (older kernels): from now on it is one.
TEST_F(Sweeps, LostEndOfASocketThatKeepsItsCookieInTimeWait)
{
    world.connects(peer, kBrowser);
    world.goes(peer, kEstablished, kFinWait1, kBrowser);
    world.goes(peer, kFinWait1, kFinWait2);
    EXPECT_EQ(sweep({{peer, kTimeWait}}).drift, 1U);
    EXPECT_EQ(world.state(peer), kTimeWait);
    const Sock again = client(50, 40000);
    world.connects(again, kBrowser); // on the same tuple: TIME_WAIT is over
    EXPECT_EQ(world.books().size(), 1U);
    EXPECT_EQ(world.count(kTimeWait), 0U);
}

TEST_F(Sweeps, LostEndAndAMiniSocketWithANewCookie)
{
    world.connects(peer, kBrowser);
    Sock mini = peer;
    mini.cookie = 99;
    sweep({{mini, kTimeWait}});
    sweep({{mini, kTimeWait}});
    EXPECT_EQ(world.books().size(), 1U);
    EXPECT_EQ(world.count(kTimeWait), 1U);
}

// ---- coverage

TEST_F(Sweeps, NamespaceThatWasNotDumpedIsLeftAlone)
{
    Sock elsewhere = client(3, 40001);
    elsewhere.tuple.netns_inum = kNetns + 1;
    world.connects(elsewhere, kBrowser);
    for (int round = 0; round < 4; ++round) {
        EXPECT_EQ(sweep({}).drift, 0U);
    }
    EXPECT_EQ(world.state(elsewhere), kEstablished);
    world.netns_inums = {kNetns + 1};
    sweep({});
    EXPECT_EQ(sweep({}).drift, 1U);
    EXPECT_EQ(world.books().size(), 0U);
}

/// A namespace that is torn down takes its mini-sockets along without a word, and can
/// never be dumped again.
TEST_F(Sweeps, MiniSocketsEndWithTheirNamespace)
{
    Sock elsewhere = client(3, 40001);
    elsewhere.tuple.netns_inum = kNetns + 1;
    make_time_wait(elsewhere);
    EXPECT_EQ(sweep({}).settled, 0U);
    const SettlementReport report = sweep({});
    EXPECT_EQ(report.settled, 1U);
    EXPECT_EQ(report.drift, 0U);
    EXPECT_EQ(world.books().size(), 0U);
}

TEST_F(Sweeps, MiniSocketsOfANamespaceThatCouldNotBeDumpedStay)
{
    Sock elsewhere = client(3, 40001);
    elsewhere.tuple.netns_inum = kNetns + 1;
    make_time_wait(elsewhere);
    const std::vector<std::uint32_t> unread{kNetns + 1};
    for (int round = 0; round < 4; ++round) {
        world.sweep_begins();
        world.sweep_ends(
            {.netns_inums = world.netns_inums, .holders = true, .unread_netns = unread});
    }
    EXPECT_EQ(world.state(elsewhere), kTimeWait);
}

TEST_F(Sweeps, RowsOfAnInterruptedDumpCountAllTheSame)
{
    world.netns_inums.clear();
    const SettlementReport report = sweep({{peer, kEstablished}});
    EXPECT_EQ(report.entered, 1U);
    EXPECT_EQ(world.state(peer), kEstablished);
}

TEST_F(Sweeps, OfMiniSocketsOnlyLeavesFullOnesAlone)
{
    const Sock waits = client(3, 40001);
    world.connects(peer, kBrowser);
    make_time_wait(waits);
    for (int round = 0; round < 3; ++round) {
        world.sweep_begins();
        EXPECT_EQ(world.sweep_ends(true, /*full_sockets=*/false).drift, 0U);
    }
    EXPECT_EQ(world.state(peer), kEstablished);
    EXPECT_EQ(world.books().size(), 1U);
}

TEST_F(Sweeps, HolderOfASocketThatIsNotOnTheBooks)
{
    world.sweep_begins();
    world.held(peer, kBrowser); // opened after the dump: its event is still to come
    world.sweep_ends();
    EXPECT_EQ(world.books().size(), 0U);
    EXPECT_EQ(world.books().processes().size(), 2U);
}

TEST_F(Sweeps, SmallNumbersInManyNamespaces)
{
    world.netns_inums.clear();
    std::vector<std::pair<Sock, TcpState>> rows;
    for (std::uint32_t i = 0; i < 500; ++i) {
        Sock sock = client(1000 + i, 40000);
        sock.tuple.netns_inum = kNetns + 500 - i;
        world.netns_inums.push_back(sock.tuple.netns_inum);
        rows.emplace_back(sock, kEstablished);
    }
    EXPECT_EQ(sweep(rows).entered, 500U);
    EXPECT_EQ(sweep(rows).drift, 0U);
    EXPECT_EQ(sweep({}).drift, 0U);
    EXPECT_EQ(sweep({}).drift, 500U);
    world.ledger.begin_interval();
    EXPECT_EQ(world.books().by_netns().size(), 0U);
}

} // namespace
} // namespace tcpledger
