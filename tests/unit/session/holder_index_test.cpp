// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Whose a listed socket is, by its holders and by the listeners.
#include "session/holder_index.hpp"

#include "../commands/listed_sockets.hpp"

namespace tcpledger {
namespace {

using namespace test;

struct Owners : testing::Test {
    std::vector<CensusHolder> holders = {holder_of(10, 3, "first", 1), holder_of(10, 9, "first", 2),
                                         holder_of(20, 4, "second", 1),
                                         holder_of(30, 5, "listens", 3)};
    std::optional<HolderIndex> index;

    void SetUp() override { index.emplace(holders); }

    static SocketRow listener(const IpAddress& address, std::uint8_t family, std::uint16_t port,
                              std::uint64_t cookie = 3)
    {
        SocketRow row = row_of(TcpState::kListen);
        row.tuple.local = {address, port};
        row.tuple.remote = {};
        row.family = family;
        row.cookie = cookie;
        return row;
    }
    /// Without descriptors: 10.0.0.1:80.
    static SocketRow unheld(TcpState state)
    {
        SocketRow row = row_of(state);
        row.tuple.local.port = 80;
        row.inode = 0;
        row.cookie = 99;
        return row;
    }
    ListedOwner owner_of(const SocketRow& row)
    {
        return index->owner_of(row, index->holders_of(row.cookie));
    }
};

TEST_F(Owners, HoldersComeInTheOrderOfTheWalk)
{
    const auto found = index->holders_of(1);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0]->pid, 10U);
    EXPECT_EQ(found[1]->pid, 20U);
    EXPECT_TRUE(index->holders_of(77).empty());
}

TEST_F(Owners, TheSmallestPidThatHoldsIt)
{
    SocketRow row = row_of();
    row.cookie = 1;
    EXPECT_EQ(owner_of(row).process->pid, 10U);
    EXPECT_EQ(owner_of(row).how, How::kHeld);
}

TEST_F(Owners, WhatNobodyHoldsIsTheKernelsIfEverybodyWasSeen)
{
    SocketRow row = row_of();
    row.cookie = 99;
    EXPECT_EQ(owner_of(row).process, nullptr);
    index->set_complete(true);
    ASSERT_NE(owner_of(row).process, nullptr);
    EXPECT_EQ(owner_of(row).process->pid, 0U);
    EXPECT_EQ(owner_of(row).process->comm(), "[kernel]");
}

TEST_F(Owners, AQueueIsItsListeners)
{
    index->add_listener(listener(IpAddress::from_ipv4_be(0), AF_INET, 80));
    for (const TcpState state : {TcpState::kEstablished, TcpState::kCloseWait, TcpState::kSynRecv,
                                 TcpState::kNewSynRecv}) {
        const ListedOwner owner = owner_of(unheld(state));
        ASSERT_NE(owner.process, nullptr);
        EXPECT_EQ(owner.process->pid, 30U);
        EXPECT_EQ(owner.how, How::kListener);
        EXPECT_TRUE(owner.unaccepted);
    }
}

TEST_F(Owners, WhatIsClosedCameFromTheListenerOnItsPort)
{
    index->add_listener(listener(IpAddress{}, AF_INET6, 80)); // dual stack
    for (const TcpState state : {TcpState::kTimeWait, TcpState::kFinWait2, TcpState::kLastAck}) {
        const ListedOwner owner = owner_of(unheld(state));
        ASSERT_NE(owner.process, nullptr);
        EXPECT_EQ(owner.process->pid, 30U);
        EXPECT_FALSE(owner.unaccepted);
    }
}

TEST_F(Owners, OtherListenersDoNotServe)
{
    SocketRow only6 = listener(IpAddress{}, AF_INET6, 80);
    only6.ipv6_only = true;
    SocketRow elsewhere = listener(IpAddress::from_ipv4_be(0), AF_INET, 80);
    elsewhere.tuple.netns_inum = 8;
    index->add_listener(only6);
    index->add_listener(elsewhere);
    index->add_listener(listener(ipv4_of(10, 0, 0, 9), AF_INET, 80));
    index->add_listener(listener(IpAddress::from_ipv4_be(0), AF_INET, 81));
    EXPECT_EQ(owner_of(unheld(TcpState::kTimeWait)).process, nullptr);
    SocketRow udp = unheld(TcpState::kEstablished);
    udp.protocol = IPPROTO_UDP;
    index->add_listener(listener(IpAddress::from_ipv4_be(0), AF_INET, 80));
    EXPECT_EQ(owner_of(udp).process, nullptr);
    EXPECT_NE(owner_of(unheld(TcpState::kTimeWait)).process, nullptr);
}

TEST_F(Owners, TheBoundAddressComesBeforeTheWildcard)
{
    holders.push_back(holder_of(40, 5, "bound", 4));
    index.emplace(holders);
    index->add_listener(listener(IpAddress::from_ipv4_be(0), AF_INET, 80));
    index->add_listener(listener(ipv4_of(10, 0, 0, 1), AF_INET, 80, 4));
    EXPECT_EQ(owner_of(unheld(TcpState::kEstablished)).process->pid, 40U);
}

} // namespace
} // namespace tcpledger
