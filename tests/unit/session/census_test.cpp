// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A census by hand, settled into an empty ledger: what of it reaches the books.
#include "session/census.hpp"

#include "session/row_pauses.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kNetns = 4026531840U;

IpAddress ipv4(std::uint8_t last)
{
    const std::uint8_t bytes[4] = {127, 0, 0, last};
    std::uint32_t address_be = 0;
    std::memcpy(&address_be, bytes, sizeof(address_be));
    return IpAddress::from_ipv4_be(address_be);
}

SocketRow row(std::uint64_t cookie, std::uint16_t port, TcpState state, std::uint32_t inode)
{
    SocketRow one;
    one.tuple = {kNetns, {ipv4(1), port}, {ipv4(2), 443}};
    one.cookie = cookie;
    one.inode = inode;
    one.family = 2;
    one.state = state;
    return one;
}

CensusHolder holder(std::uint64_t cookie, std::uint32_t pid, std::string_view comm)
{
    CensusHolder one;
    one.cookie = cookie;
    one.pid = pid;
    one.start_ticks = 7;
    one.comm_size = static_cast<std::uint8_t>(comm.size());
    std::copy(comm.begin(), comm.end(), one.comm_bytes.begin());
    return one;
}

struct Settle : testing::Test {
    Ledger ledger;
    Settlement settlement{ledger};
    Census census;

    SettlementReport take(MonotonicTime now)
    {
        census.started = now;
        census.finished = now + 1s;
        settlement.begin(now);
        return settle(settlement, census);
    }
    /// Applies the record of a reset of one of the rows' connections.
    void end(std::uint16_t cookie, MonotonicTime at)
    {
        tl_transition record{};
        record.header = {static_cast<std::uint64_t>(at.count()), TL_RECORD_TRANSITION,
                         sizeof(record), 0};
        record.cookie = cookie;
        record.netns_inum = kNetns;
        record.family = 2;
        record.old_state = static_cast<std::uint8_t>(TcpState::kEstablished);
        record.new_state = static_cast<std::uint8_t>(TcpState::kClose);
        record.local_port = cookie;
        record.remote_port = 443;
        record.error = 104; // ECONNRESET
        record.addresses.ipv4 = {0x0100007fU, 0x0200007fU};
        ledger.apply_record(&record, sizeof(record));
    }
    [[nodiscard]] const Process& owner(std::uint64_t cookie) const
    {
        const ConnectionId id = ledger.books().find_by_cookie(cookie);
        EXPECT_NE(id, kNoConnection);
        return ledger.books().processes().at(ledger.books().at(id).owner);
    }
};

TEST_F(Settle, RowsAndHoldersMeetOnTheBooks)
{
    census.rows = {row(1, 1001, TcpState::kEstablished, 11), row(2, 1002, TcpState::kListen, 12),
                   row(3, 1003, TcpState::kTimeWait, 0)};
    census.holders = {holder(1, 100, "curl"), holder(2, 200, "nginx"), holder(99, 300, "other")};
    census.netns_inums = {kNetns};
    census.holders_complete = true;
    const SettlementReport report = take(10s);
    EXPECT_EQ(report.entered, 3U);
    EXPECT_EQ(report.drift, 0U);
    EXPECT_TRUE(settlement.seeded());
    EXPECT_EQ(owner(1).comm, "curl");
    EXPECT_EQ(owner(1).key, (ProcessKey{100, 7}));
    EXPECT_EQ(owner(2).comm, "nginx");
    EXPECT_EQ(ledger.books().processes().size(), 4U) << "who holds no TCP socket is no matter";
}

TEST_F(Settle, TheKernelOwnsWhatNobodyHoldsOnlyIfNobodyIsHidden)
{
    census.rows = {row(1, 1001, TcpState::kEstablished, 11)};
    census.netns_inums = {kNetns};
    census.holders_complete = true;
    census.every_process = false;
    take(10s);
    EXPECT_EQ(owner(1).comm, "[unknown]");
    census.every_process = true;
    take(20s);
    EXPECT_EQ(owner(1).comm, "[kernel]");
}

TEST_F(Settle, WhatIsToldInAPauseIsYoungerThanTheRows)
{
    for (std::uint16_t number = 1; number <= 2 * RowPauses::kRows; ++number) {
        census.rows.push_back(row(number, number, TcpState::kEstablished, number));
    }
    census.netns_inums = {kNetns};
    census.holders_complete = true;
    census.started = 10s;
    census.finished = 11s;
    settlement.begin(10s);
    int pauses = 0;
    settle(settlement, census, [&] {
        if (++pauses == 1) {
            end(1, 12s);                    // its row has been settled
            end(2 * RowPauses::kRows, 12s); // its row is still to come
        }
    });
    EXPECT_EQ(pauses, 2);
    EXPECT_EQ(ledger.books().find_by_cookie(1), kNoConnection);
    EXPECT_EQ(ledger.books().find_by_cookie(2 * RowPauses::kRows), kNoConnection);
    EXPECT_EQ(ledger.books().size(), 2 * RowPauses::kRows - 2);
}

TEST_F(Settle, NobodyIsAccusedWhenHoldersAreMissing)
{
    census.rows = {row(1, 1001, TcpState::kEstablished, 11)};
    census.netns_inums = {kNetns};
    take(10s);
    EXPECT_EQ(owner(1).comm, "[unknown]");
}

TEST_F(Settle, ANamespaceThatCouldNotBeReadIsLeftAlone)
{
    census.rows = {row(1, 1001, TcpState::kTimeWait, 0)};
    census.unread_netns = {kNetns};
    take(10s);
    EXPECT_EQ(ledger.books().size(), 1U) << "rows count all the same";
    census.rows.clear();
    take(100s);
    take(200s);
    EXPECT_EQ(ledger.books().size(), 1U);
    census.netns_inums = {kNetns};
    census.unread_netns.clear();
    take(300s);
    EXPECT_EQ(ledger.books().size(), 0U) << "read, not listed, and its time is over";
}

TEST_F(Settle, ANameOfEveryLength)
{
    census.netns_inums = {kNetns};
    census.holders_complete = true;
    const std::string longest(TL_COMM_BYTES - 1, 'x');
    for (std::size_t length = 0; length <= longest.size(); ++length) {
        const std::uint64_t cookie = 1 + length;
        census.rows.push_back(
            row(cookie, static_cast<std::uint16_t>(cookie), TcpState::kEstablished, 11));
        census.holders.push_back(
            holder(cookie, static_cast<std::uint32_t>(100 + length), longest.substr(0, length)));
    }
    take(10s);
    for (std::size_t length = 0; length <= longest.size(); ++length) {
        EXPECT_EQ(owner(1 + length).comm.size(), length);
    }
}

} // namespace
} // namespace tcpledger
