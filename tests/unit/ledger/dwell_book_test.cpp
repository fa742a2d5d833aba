// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Dwell times by process and state, as the ledger notes them; their bound.
#include "ledger/dwell_book.hpp"

#include "world.hpp"

namespace tcpledger {
namespace {

using namespace test;
using enum TcpState;

const Task kBrowser{100, "browser"};
const Task kServer{200, "server"};

struct Dwelling : testing::Test {
    World world;
    Sock c = client(7, 40000);
    Sock l = listener(8);
    Sock s = served(9, c, l);

    Dwelling() { world.ledger.keep_dwells({}); }

    [[nodiscard]] Dwells of(const Task& task) const
    {
        const auto id = world.books().processes().find(task.key());
        return id ? dwells_of(world.ledger, *id).value_or(Dwells()) : Dwells();
    }
    static std::uint64_t milliseconds(const DwellHistogram& histogram)
    {
        return histogram.max() / 1'000'000;
    }
    [[nodiscard]] Dwells total() const { return world.ledger.dwells()->total(); }
};

TEST_F(Dwelling, EachStateOnItsProcess)
{
    world.connects(c, kBrowser);
    world.tick(10ms);
    world.closes(c, kBrowser);
    const Dwells browser = of(kBrowser);
    EXPECT_EQ(browser.in(kSynSent).count(), 1U);
    EXPECT_EQ(browser.connect.count(), 1U);
    EXPECT_EQ(milliseconds(browser.connect), 1U);
    EXPECT_EQ(milliseconds(browser.in(kEstablished)), 11U);
    EXPECT_EQ(milliseconds(browser.in(kFinWait1)), 1U);
    EXPECT_EQ(browser.in(kFinWait2).count(), 0U) << "the mini-socket is in it";
    EXPECT_EQ(browser.accept_wait.count(), 0U);
}

TEST_F(Dwelling, FinWait2EndsWithThePeersLastAck)
{
    world.listens(l, kServer);
    world.connects(c, kBrowser);
    world.is_born(s);
    world.closes(c, kBrowser);
    world.tick(50ms);
    world.goes(s, kEstablished, kCloseWait);
    s.shutdown = kBothShut;
    world.goes(s, kCloseWait, kLastAck, kServer);
    world.goes(s, kLastAck, kClose);
    EXPECT_EQ(world.state(c), kTimeWait);
    const DwellHistogram waited = of(kBrowser).in(kFinWait2);
    EXPECT_EQ(waited.count(), 1U);
    EXPECT_GE(milliseconds(waited), 50U);
    EXPECT_EQ(of(kServer).in(kLastAck).count(), 1U);
    EXPECT_EQ(of(kServer).in(kListen).count(), 0U);
}

TEST_F(Dwelling, AFailedConnectIsNoLatency)
{
    world.goes(c, kClose, kSynSent, kBrowser);
    world.goes(c, kSynSent, kClose);
    EXPECT_EQ(of(kBrowser).in(kSynSent).count(), 1U);
    EXPECT_EQ(of(kBrowser).connect.count(), 0U);
}

TEST_F(Dwelling, HowLongItWaitedForAccept)
{
    world.ledger.expect_told_minis(true, true);
    world.listens(l, kServer);
    world.is_born(s);
    world.tick(30ms);
    world.accepts(s, kServer);
    EXPECT_EQ(of(kServer).accept_wait.count(), 1U);
    EXPECT_EQ(milliseconds(of(kServer).accept_wait), 31U);

    Sock second = served(10, client(11, 40001), l);
    world.is_born(second);
    world.tick(30ms);
    world.goes(second, kEstablished, kCloseWait); // the peer has gone already
    world.accepts(second, kServer, kCloseWait);
    EXPECT_EQ(of(kServer).accept_wait.count(), 2U);
    EXPECT_EQ(milliseconds(of(kServer).accept_wait), 33U);
}

TEST_F(Dwelling, MiniSocketsWhereHooksTellThem)
{
    world.ledger.expect_told_minis(true, true);
    world.connects(c, kBrowser);
    c.shutdown = kBothShut;
    world.goes(c, kEstablished, kFinWait1, kBrowser);
    c.flags = TL_FLAG_ORPHANED;
    world.goes(c, kFinWait1, kFinWait2);
    world.leaves_behind(c, kFinWait2, kFinWait2);
    world.goes(c, kFinWait2, kClose);
    EXPECT_EQ(of(kBrowser).in(kFinWait2).count(), 0U);
    world.mini_goes(c, kFinWait2, kTimeWait);
    EXPECT_EQ(of(kBrowser).in(kFinWait2).count(), 1U);
    world.tick(60s);
    world.mini_goes(c, kTimeWait, kClose);
    EXPECT_GE(of(kBrowser).in(kTimeWait).max(), 60'000'000'000U);
}

TEST_F(Dwelling, OfAnIntervalOnly)
{
    world.connects(c, kBrowser);
    EXPECT_EQ(total().connect.count(), 1U);
    world.ledger.begin_interval();
    EXPECT_EQ(total().connect.count(), 0U);
    EXPECT_EQ(of(kBrowser).in(kSynSent).count(), 0U);
    world.closes(c, kBrowser);
    EXPECT_EQ(of(kBrowser).in(kEstablished).count(), 1U);
}

TEST_F(Dwelling, OnlyWhatIsAdmitted)
{
    world.ledger.keep_dwells([](const Connection& connection, const Process&, TcpState left) {
        return connection.tuple.remote.port == 81 && left == kEstablished;
    });
    Sock other = client(20, 41000, 81);
    for (const Sock& sock : {c, other}) {
        world.connects(sock, kBrowser);
        world.closes(sock, kBrowser);
    }
    EXPECT_EQ(total().in(kEstablished).count(), 1U);
    EXPECT_EQ(total().in(kSynSent).count(), 0U);
}

TEST_F(Dwelling, NothingUnlessAskedFor)
{
    World plain;
    plain.connects(c, kBrowser);
    EXPECT_EQ(plain.ledger.dwells(), nullptr);
    EXPECT_FALSE(take_overview(plain.ledger, plain.now).dwells);
    EXPECT_FALSE(take_overview(plain.ledger, plain.now).processes.at(0).dwells);
}

TEST(DwellBook, BoundedWhateverTheProcesses)
{
    DwellBook book;
    const auto many = static_cast<ProcessId>(3 * DwellBook::kMostProcesses);
    for (ProcessId process = 0; process < many; ++process) {
        book.note(process, kEstablished, kFinWait1, 5ms);
    }
    std::size_t known = 0;
    for (ProcessId process = 0; process < many; ++process) {
        known += book.of(process) != nullptr ? 1U : 0U;
    }
    EXPECT_EQ(known, DwellBook::kMostProcesses);
    EXPECT_EQ(book.others().in(kEstablished).count(), many - DwellBook::kMostProcesses);
    EXPECT_EQ(book.total().in(kEstablished).count(), many);

    book.begin_interval(); // the places are kept for one interval more
    EXPECT_EQ(book.total().in(kEstablished).count(), 0U);
    book.begin_interval();
    book.note(many - 1, kEstablished, kFinWait1, 5ms);
    EXPECT_NE(book.of(many - 1), nullptr) << "there is room again";
}

} // namespace
} // namespace tcpledger
