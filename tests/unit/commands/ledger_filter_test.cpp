// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `top` of the connections that a filter lets through.
#include "commands/ledger_filter.hpp"

#include "../ledger/world.hpp"
#include "filter/parser.hpp"

#include <algorithm>

namespace tcpledger {
namespace {

using namespace test;
using enum TcpState;

const Task kBrowser{100, "browser"};
const Task kServer{200, "server"};

struct FilteredTop : testing::Test {
    std::optional<TopFilter> filter;
    World world{[this](const AppliedTransition& transition) { filter->observe(transition); }};

    void read(const std::string& text)
    {
        auto parsed = parse_filter(std::vector{text}, {});
        ASSERT_TRUE(parsed) << parsed.error().message();
        filter.emplace(std::move(*parsed));
    }
    void play()
    {
        world.listens(listener(3), kServer);
        world.connects(client(1, 1001), kBrowser);
        world.connects(client(2, 1002), kBrowser);
        world.goes(client(2, 1002), kEstablished, kCloseWait);
        world.connects(client(4, 1004), kServer);
        world.tick(60s);
    }
    [[nodiscard]] Overview take() { return filter->overview(world.ledger, world.now); }
};

std::uint32_t count(const Overview& overview, TcpState state)
{
    return overview.states[static_cast<std::size_t>(state)];
}

TEST_F(FilteredTop, WithoutAFilterIsTheOverview)
{
    read("");
    play();
    const Overview plain = take_overview(world.ledger, world.now);
    const Overview overview = take();
    EXPECT_EQ(overview.connections, plain.connections);
    EXPECT_EQ(overview.counters.opened, plain.counters.opened);
    EXPECT_EQ(overview.processes.size(), plain.processes.size());
}

TEST_F(FilteredTop, OfEverythingSaysTheSameAsWithout)
{
    read("sport >= 0");
    play();
    world.closes(client(1, 1001), kBrowser);
    const Overview plain = take_overview(world.ledger, world.now);
    const Overview overview = take();
    EXPECT_EQ(overview.connections, plain.connections);
    EXPECT_EQ(overview.states, plain.states);
    EXPECT_EQ(overview.counters.opened, plain.counters.opened);
    EXPECT_EQ(overview.counters.closed, plain.counters.closed);
    EXPECT_EQ(overview.counters.transitions, plain.counters.transitions);
    ASSERT_EQ(overview.processes.size(), plain.processes.size());
    for (const ProcessOverview& row : plain.processes) {
        const auto same = std::ranges::find(overview.processes, row.comm, &ProcessOverview::comm);
        ASSERT_NE(same, overview.processes.end()) << row.comm;
        EXPECT_EQ(same->connections, row.connections) << row.comm;
        EXPECT_EQ(same->opened, row.opened) << row.comm;
        EXPECT_EQ(same->closed, row.closed) << row.comm;
        EXPECT_EQ(same->oldest_close_wait, row.oldest_close_wait) << row.comm;
    }
}

TEST_F(FilteredTop, CountsWhatMatches)
{
    read("comm = browser");
    play();
    const Overview overview = take();
    EXPECT_EQ(overview.connections, 2U);
    EXPECT_EQ(count(overview, kEstablished), 1U);
    EXPECT_EQ(count(overview, kCloseWait), 1U);
    EXPECT_EQ(overview.counters.opened, 2U);
    ASSERT_EQ(overview.processes.size(), 1U);
    EXPECT_EQ(overview.processes[0].comm, "browser");
    EXPECT_GE(overview.processes[0].oldest_close_wait, 60s);
}

TEST_F(FilteredTop, StatesAreThoseOfTheCounts)
{
    read("state close-wait");
    play();
    const Overview overview = take();
    EXPECT_EQ(overview.connections, 1U);
    EXPECT_EQ(overview.counters.opened, 3U) << "opened by whatever the expression lets through";
}

TEST_F(FilteredTop, AgesAreKnown)
{
    read("age > 30s and comm = browser");
    play();
    EXPECT_EQ(take().connections, 2U);
    world.connects(client(9, 1009), kBrowser);
    EXPECT_EQ(take().connections, 2U);
}

TEST_F(FilteredTop, AnIntervalBeginsAtZero)
{
    read("sport >= 0");
    play();
    filter->begin_interval();
    EXPECT_EQ(take().counters.opened, 0U);
    EXPECT_EQ(take().counters.transitions, 0U);
    EXPECT_GT(take().connections, 0U);
}

} // namespace
} // namespace tcpledger
