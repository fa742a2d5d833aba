// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What is counted, where, and that every table adds up to the total.
#include "analysis/churn_book.hpp"

#include "churning.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

using namespace test;

struct Churn : testing::Test {
    ChurnBook book{ChurnGrouping::kProcess, 2s};
    Process curl = program(101, "curl");
    Process nginx = program(202, "nginx");

    static ChurnFigures sum(const ChurnBook& book)
    {
        ChurnFigures sum = book.groups().others().figures;
        for (const auto& [key, group] : book.groups().rows()) {
            sum.merge(group.figures);
        }
        return sum;
    }
    static ChurnFigures sum_of_pairs(const ChurnBook& book)
    {
        ChurnFigures sum = book.pairs().others();
        for (const auto& [key, figures] : book.pairs().rows()) {
            sum.merge(figures);
        }
        return sum;
    }
    static void expect_same(const ChurnFigures& left, const ChurnFigures& right)
    {
        EXPECT_EQ(left.opened, right.opened);
        EXPECT_EQ(left.closed, right.closed);
        EXPECT_EQ(left.failed, right.failed);
        EXPECT_EQ(left.aborted, right.aborted);
        EXPECT_EQ(left.connects, right.connects);
        EXPECT_EQ(left.spared, right.spared);
        EXPECT_EQ(left.bytes_sent, right.bytes_sent);
        EXPECT_EQ(left.endings, right.endings);
        EXPECT_NEAR(left.unseen, right.unseen, 1e-6);
        EXPECT_EQ(left.lifetimes.count(), right.lifetimes.count());
        EXPECT_EQ(left.lifetimes.quantile(0.5), right.lifetimes.quantile(0.5));
    }
};

TEST_F(Churn, CountsWhatComesAndGoes)
{
    for (int number = 0; number < 100; ++number) {
        tell(book, life(curl, 1s + number * 10ms, 5ms));
    }
    const ChurnFigures& total = book.total();
    EXPECT_EQ(total.opened, 100U);
    EXPECT_EQ(total.closed, 100U);
    EXPECT_EQ(total.failed + total.aborted + total.older + total.incoming, 0U);
    EXPECT_EQ(total.connects, 100U);
    EXPECT_EQ(total.spared, 99U);
    EXPECT_EQ(total.time_waits, 100U);
    EXPECT_EQ(total.bytes_sent, 10'000U);
    EXPECT_EQ(total.bytes_received, 100'000U);
    EXPECT_EQ(total.endings[static_cast<std::size_t>(Ending::kLocal)], 100U);
    EXPECT_EQ(total.lifetimes.quantile(0.5), 5'000'000U);
    EXPECT_NEAR(total.unseen, 100 * (1 - 0.005 / 2), 1e-9);
    EXPECT_EQ(book.dwells().connect.count(), 100U);
    EXPECT_EQ(book.dwells().accept_wait.count(), 0U);
    expect_same(sum(book), total);
    expect_same(sum_of_pairs(book), total);
}

TEST_F(Churn, ThePollersBlindness)
{
    EXPECT_EQ(chance_unseen(0ns, 2s), 1.0);
    EXPECT_EQ(chance_unseen(500ms, 2s), 0.75);
    EXPECT_EQ(chance_unseen(2s, 2s), 0.0);
    EXPECT_EQ(chance_unseen(1h, 2s), 0.0);
    EXPECT_EQ(chance_unseen(-5ns, 2s), 1.0);
    EXPECT_EQ(chance_unseen(1s, 0s), 0.0);
}

TEST_F(Churn, FailedAbortedOlder)
{
    FinishedLife refused = life(curl, 1s, 1ms);
    refused.last_state = TcpState::kSynSent;
    refused.ending = Ending::kRefused;
    refused.connect.reset();
    FinishedLife reset = life(curl, 1s, 1ms);
    reset.last_state = TcpState::kEstablished;
    reset.ending = Ending::kResetReceived;
    FinishedLife older = life(curl, 0s, 0s);
    older.duration.reset();
    for (const FinishedLife& one : {refused, reset, older}) {
        book.ended(one, {one.connection, one.owner, true});
    }
    const ChurnFigures& total = book.total();
    EXPECT_EQ(total.opened, 2U);
    EXPECT_EQ(total.closed, 3U);
    EXPECT_EQ(total.failed, 1U);
    EXPECT_EQ(total.aborted, 1U);
    EXPECT_EQ(total.older, 1U);
    EXPECT_EQ(total.time_waits, 1U) << "of the older one";
    EXPECT_EQ(total.lifetimes.count(), 2U);
    expect_same(sum(book), total);
}

TEST_F(Churn, AnErrorLeavesNoTimeWait)
{
    FinishedLife reset = life(curl, 1s, 1ms);
    reset.error = 104;
    book.ended(reset, {reset.connection, reset.owner, true});
    EXPECT_EQ(book.total().time_waits, 0U);
}

TEST_F(Churn, WhatIsOpenIsOpened)
{
    book.begin(10s);
    FinishedLife early = life(curl, 9s, 10s); // opened before, closed within
    book.ended(early, {early.connection, early.owner, true});
    FinishedLife old = life(nginx, 9s, 0s);
    FinishedLife fresh = life(nginx, 11s, 0s);
    fresh.connection.passive = true;
    book.still_open({old.connection, old.owner, true});
    book.still_open({fresh.connection, fresh.owner, false});
    EXPECT_EQ(book.total().opened, 1U);
    EXPECT_EQ(book.total().incoming, 1U);
    EXPECT_EQ(book.total().closed, 1U);
    EXPECT_EQ(book.total().lifetimes.count(), 1U) << "its whole life is known";
    expect_same(sum(book), book.total());
}

TEST_F(Churn, ANewWindowCountsAnewButKnowsWhatIsIdle)
{
    tell(book, life(curl, 1s, 5ms));
    book.begin(2s);
    EXPECT_EQ(book.total().closed, 0U);
    EXPECT_TRUE(book.groups().rows().empty());
    tell(book, life(curl, 3s, 5ms));
    EXPECT_EQ(book.total().connects, 1U);
    EXPECT_EQ(book.total().spared, 1U);
}

TEST_F(Churn, EndedProcessesAreTheirProgram)
{
    for (std::uint32_t pid = 1; pid <= 50; ++pid) {
        tell(book, life(program(pid, "curl"), pid * 1s, 31ms));
    }
    tell(book, life(program(60, "curl"), 60s, 31ms));
    tell(book, life(program(61, "curl", 8), 61s, 31ms)); // of another cgroup
    EXPECT_EQ(book.groups().rows().size(), 52U);
    book.retire([](const ProcessKey& key) { return key.pid != 60; });
    ASSERT_EQ(book.groups().rows().size(), 3U);
    ChurnKey key;
    key.actor = {"curl", 7, {}};
    EXPECT_EQ(book.groups().rows().at(key).figures.closed, 50U);
    EXPECT_EQ(book.groups().rows().at(key).figures.processes, 50U);
    EXPECT_EQ(book.groups().rows().at(key).figures.spared, 49U);
    key.actor.process = {60, 100};
    EXPECT_EQ(book.groups().rows().at(key).figures.processes, 1U);
    expect_same(sum(book), book.total());
    expect_same(sum_of_pairs(book), book.total());
}

TEST_F(Churn, DwellTimesByProcess)
{
    tell(book, life(curl, 1s, 10ms));
    tell(book, life(nginx, 1s, 20ms));
    ChurnKey key;
    key.actor = {"nginx", 7, nginx.key};
    const auto& dwell = book.groups().rows().at(key).dwells.states[static_cast<std::size_t>(
        TcpState::kEstablished)];
    EXPECT_EQ(dwell.count(), 1U);
    EXPECT_EQ(dwell.max(), 20'000'000U);
    EXPECT_EQ(book.dwells().states[static_cast<std::size_t>(TcpState::kEstablished)].count(), 2U);
}

TEST_F(Churn, BoundedWhateverTheRemotes)
{
    for (const ChurnGrouping by : {ChurnGrouping::kProcess, ChurnGrouping::kRemote,
                                   ChurnGrouping::kPort, ChurnGrouping::kContainer}) {
        ChurnBook small(by, 2s, 20);
        for (std::uint32_t number = 0; number < 2000; ++number) {
            const auto port = static_cast<std::uint16_t>(1000 + number);
            tell(small, life(program(number + 1, "curl"), 1s, 5ms, remote(9, port)),
                 std::to_string(number));
            ASSERT_LE(small.groups().rows().size(), 20U);
            ASSERT_LE(small.pairs().rows().size(), 20U);
        }
        EXPECT_GE(small.groups().folded(), 1980U);
        EXPECT_EQ(small.total().closed, 2000U);
        expect_same(sum(small), small.total());
        expect_same(sum_of_pairs(small), small.total());
    }
}

struct Grouped : testing::TestWithParam<ChurnGrouping> {
    ChurnBook book{GetParam(), 2s};

    [[nodiscard]] std::size_t rows() const { return book.groups().rows().size(); }
};

TEST_P(Grouped, ByWhatIsAskedFor)
{
    const Process curl = program(1, "curl");
    const Process wget = program(2, "wget");
    tell(book, life(curl, 1s, 1ms, remote(7, 443)), "web");
    tell(book, life(wget, 1s, 1ms, remote(7, 443)), "web");
    tell(book, life(curl, 1s, 1ms, remote(8, 443)), "");
    for (std::uint16_t port = 50001; port <= 50002; ++port) { // a client's port is its own affair
        FinishedLife in = life(curl, 1s, 1ms, remote(7, port));
        in.connection.tuple.local.port = 8080;
        in.connection.passive = true;
        tell(book, in, "");
    }
    switch (GetParam()) {
    case ChurnGrouping::kProcess:
        EXPECT_EQ(rows(), 2U);
        break;
    case ChurnGrouping::kRemote:
        EXPECT_EQ(rows(), 3U); // to 7, to 8, from 7
        break;
    case ChurnGrouping::kPort:
        EXPECT_EQ(rows(), 2U); // to 443, on 8080
        break;
    case ChurnGrouping::kContainer:
        EXPECT_EQ(rows(), 2U);
        break;
    }
    EXPECT_EQ(book.total().incoming, 2U);
    EXPECT_EQ(book.total().connects, 3U);
}

INSTANTIATE_TEST_SUITE_P(All, Grouped,
                         testing::Values(ChurnGrouping::kProcess, ChurnGrouping::kRemote,
                                         ChurnGrouping::kPort, ChurnGrouping::kContainer));

} // namespace
} // namespace tcpledger
