// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The copy that views get: which processes are in it, what was counted in the interval,
// how old the oldest CLOSE_WAIT is.
#include "world.hpp"

#include <algorithm>

namespace tcpledger {
namespace {

using namespace test;
using enum TcpState;

const Task kBrowser{100, "browser"};
const Task kServer{200, "server"};

struct Overviews : testing::Test {
    World world;

    [[nodiscard]] Overview take() const { return take_overview(world.ledger, world.now); }
    [[nodiscard]] static const ProcessOverview* row(const Overview& overview, std::string_view comm)
    {
        const auto found = std::ranges::find(overview.processes, comm, &ProcessOverview::comm);
        return found != overview.processes.end() ? &*found : nullptr;
    }
};

TEST_F(Overviews, OfNothing)
{
    const Overview overview = take();
    EXPECT_EQ(overview.connections, 0U);
    EXPECT_TRUE(overview.processes.empty());
}

TEST_F(Overviews, CountsByProcessAndInTotal)
{
    world.connects(client(1, 1001), kBrowser);
    world.connects(client(2, 1002), kBrowser);
    world.listens(listener(3), kServer);
    world.goes(client(4, 1004), kEstablished, kCloseWait); // nobody's
    const Overview overview = take();
    EXPECT_EQ(overview.connections, 4U);
    ASSERT_EQ(overview.processes.size(), 3U);
    const ProcessOverview* browser = row(overview, "browser");
    ASSERT_NE(browser, nullptr);
    EXPECT_EQ(browser->key, kBrowser.key());
    EXPECT_EQ(browser->connections, 2U);
    EXPECT_EQ(browser->states[static_cast<std::size_t>(kEstablished)], 2U);
    EXPECT_EQ(browser->opened, 2U);
    EXPECT_EQ(browser->uid, 1000U);
    ASSERT_NE(row(overview, "[unknown]"), nullptr);
    EXPECT_FALSE(row(overview, "[unknown]")->key);
}

TEST_F(Overviews, CountersAreOfTheInterval)
{
    const Sock sock = client(1, 1001);
    world.connects(sock, kBrowser);
    world.ledger.begin_interval();
    EXPECT_EQ(take().counters.opened, 0U);
    EXPECT_EQ(take().counters.transitions, 0U);
    EXPECT_EQ(row(take(), "browser")->opened, 0U);
    world.closes(sock, kBrowser);
    Overview overview = take();
    EXPECT_EQ(overview.counters.transitions, 3U);
    EXPECT_EQ(overview.counters.closed, 1U);
    EXPECT_EQ(row(overview, "browser")->closed, 1U);
    world.ledger.apply_record("", 0);
    EXPECT_EQ(take().counters.malformed, 1U);
    world.ledger.begin_interval();
    EXPECT_EQ(take().counters.malformed, 0U);
}

TEST_F(Overviews, AProcessIsThereForWhatItDidInTheInterval)
{
    Sock sock = client(1, 1001);
    world.connects(sock, kBrowser);
    sock.error = ECONNRESET;
    world.goes(sock, kEstablished, kClose);
    const Overview overview = take();
    ASSERT_NE(row(overview, "browser"), nullptr);
    EXPECT_EQ(row(overview, "browser")->connections, 0U);
    world.ledger.begin_interval();
    EXPECT_EQ(row(take(), "browser"), nullptr);
}

TEST_F(Overviews, AnExitedProcessWithConnectionsSaysSo)
{
    const Sock sock = client(1, 1001);
    world.connects(sock, kBrowser);
    world.closes(sock, kBrowser);
    world.exits(kBrowser);
    world.ledger.begin_interval();
    ASSERT_NE(row(take(), "browser"), nullptr);
    EXPECT_TRUE(row(take(), "browser")->exited);
}

TEST_F(Overviews, TheOldestCloseWait)
{
    const Sock first = client(1, 1001);
    const Sock second = client(2, 1002);
    world.connects(first, kBrowser);
    world.connects(second, kBrowser);
    EXPECT_FALSE(row(take(), "browser")->oldest_close_wait);
    world.goes(first, kEstablished, kCloseWait);
    world.tick(10s);
    world.goes(second, kEstablished, kCloseWait);
    const Overview overview = take();
    EXPECT_EQ(row(overview, "browser")->oldest_close_wait, 10s + 1ms);
    EXPECT_FALSE(row(overview, "browser")->oldest_is_lower_bound);
}

TEST_F(Overviews, TheOldestCloseWaitOfBeforeTheTracerIsALowerBound)
{
    const Sock first = client(1, 1001);
    world.sweep_begins();
    const MonotonicTime began = world.now;
    world.listed(first, kCloseWait, 70);
    world.held(first, kBrowser);
    world.sweep_ends();
    world.tick(5s);
    const Overview overview = take();
    EXPECT_EQ(row(overview, "browser")->oldest_close_wait, world.now - began);
    EXPECT_TRUE(row(overview, "browser")->oldest_is_lower_bound);
}

TEST_F(Overviews, IsACopy)
{
    world.connects(client(1, 1001), kBrowser);
    const Overview before = take();
    world.connects(client(2, 1002), kBrowser);
    world.ledger.begin_interval();
    EXPECT_EQ(before.connections, 1U);
    EXPECT_EQ(row(before, "browser")->opened, 1U);
}

} // namespace
} // namespace tcpledger
