// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Rows in order, what is beyond them, the ports towards a remote.
#include "analysis/churn_report.hpp"

#include "churning.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

using namespace test;

struct Report : testing::Test {
    ChurnBook book{ChurnGrouping::kProcess, 2s};

    void churns(std::uint32_t pid, int times, Endpoint to)
    {
        for (int number = 0; number < times; ++number) {
            tell(book, life(program(pid, "app"), 1s + number * 10ms, 5ms, to));
        }
    }
};

TEST_F(Report, MostFirstAndTheRestAddedUp)
{
    churns(1, 5, remote(1, 80));
    churns(2, 50, remote(2, 80));
    churns(3, 10, remote(2, 80));
    churns(4, 1, remote(3, 80));
    const ChurnReport report = make_churn_report(book, 2);
    ASSERT_EQ(report.rows.size(), 2U);
    EXPECT_EQ(report.rows[0].key.actor.process.pid, 2U);
    EXPECT_EQ(report.rows[1].key.actor.process.pid, 3U);
    EXPECT_EQ(report.hidden, 2U);
    EXPECT_EQ(report.others.figures.closed, 6U);
    EXPECT_EQ(report.total.closed, 66U);
    ASSERT_EQ(report.churners.size(), 2U);
    EXPECT_EQ(report.churners[0].figures.closed, 50U);
    ASSERT_EQ(report.ports.size(), 2U);
    EXPECT_EQ(report.ports[0].remote, remote(2, 80));
    EXPECT_EQ(report.ports[0].opened, 60U) << "of both processes";
    EXPECT_EQ(report.ports[0].time_waits, 60U);
}

TEST_F(Report, OfNothing)
{
    const ChurnReport report = make_churn_report(book, 10);
    EXPECT_TRUE(report.rows.empty() && report.churners.empty() && report.ports.empty());
    EXPECT_EQ(report.others.weight(), 0U);
}

TEST_F(Report, IncomingOnesUseNoPorts)
{
    FinishedLife in = life(program(1, "app"), 1s, 1ms);
    in.connection.passive = true;
    tell(book, in);
    EXPECT_TRUE(make_churn_report(book, 10).ports.empty());
}

TEST_F(Report, PortsUsedTowardsARemote)
{
    churns(1, 5, remote(2, 80));
    Books books;
    std::uint64_t cookie = 1;
    const auto enters = [&](std::uint8_t local, std::uint16_t port, Endpoint to, TcpState state) {
        Connection connection;
        connection.cookie = cookie++;
        connection.tuple = {1, remote(local, port), to};
        connection.state = state;
        connection.kind = state == TcpState::kTimeWait ? SocketKind::kMini : SocketKind::kFull;
        books.enter(connection);
    };
    for (std::uint16_t port = 40'000; port < 40'030; ++port) {
        enters(1, port, remote(2, 80), TcpState::kTimeWait);
    }
    enters(1, 40'030, remote(2, 80), TcpState::kEstablished);
    enters(1, 50'001, remote(2, 80), TcpState::kEstablished); // not ephemeral here
    enters(1, 40'031, remote(2, 81), TcpState::kEstablished); // another remote
    enters(3, 40'000, remote(2, 80), TcpState::kEstablished); // from another address

    ChurnReport report = make_churn_report(book, 10);
    count_ports(report, books, [](std::uint32_t netns) {
        return netns == 1 ? EphemeralPorts::parse("40000 50000", "40001,40040-40049")
                          : std::nullopt;
    });
    ASSERT_EQ(report.ports.size(), 1U);
    EXPECT_EQ(report.ports[0].used, 30U) << "31 less the reserved one";
    EXPECT_EQ(report.ports[0].local, remote(1, 0).address);
    EXPECT_EQ(report.ports[0].available, 10'001U - 11U);

    ChurnReport unknown = make_churn_report(book, 10);
    count_ports(unknown, books, [](std::uint32_t) { return std::nullopt; });
    EXPECT_EQ(unknown.ports[0].available, std::nullopt);
    EXPECT_EQ(unknown.ports[0].used, 0U);
}

} // namespace
} // namespace tcpledger
