// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The books' verbs one by one, the ways to find a connection, and what the books weigh
// before, in and after a burst.
#include "world.hpp"

namespace tcpledger {
namespace {

using namespace test;
using enum TcpState;

const Task kBrowser{100, "browser"};

Connection full(std::uint64_t cookie, TcpState state = kEstablished)
{
    Connection connection;
    connection.cookie = cookie;
    connection.tuple = client(cookie, static_cast<std::uint16_t>(cookie)).tuple;
    connection.state = state;
    return connection;
}

TEST(Books, EnterAndStrike)
{
    Books books;
    const ConnectionId id = books.enter(full(7));
    EXPECT_EQ(books.find_by_cookie(7), id);
    EXPECT_EQ(books.totals()[static_cast<std::size_t>(kEstablished)], 1U);
    EXPECT_EQ(books.processes().at(kUnknownProcess).connections, 1U);
    books.strike(id);
    EXPECT_EQ(books.find_by_cookie(7), kNoConnection);
    EXPECT_EQ(books.size(), 0U);
    EXPECT_EQ(books.totals(), StateCounts{});
}

TEST(Books, StatesAreCountedAsTheyAreShown)
{
    Books books;
    books.enter(full(7, kNewSynRecv));
    books.enter(full(8, kBoundInactive));
    EXPECT_EQ(books.totals()[static_cast<std::size_t>(kSynRecv)], 1U);
    EXPECT_EQ(books.totals()[static_cast<std::size_t>(kClose)], 1U);
}

TEST(Books, AKindIsFoundByItsOwnKey)
{
    Books books;
    Connection connection = full(7);
    connection.sock = 0x1000;
    const ConnectionId id = books.enter(connection);
    EXPECT_EQ(books.find_mini(connection.tuple), kNoConnection);
    EXPECT_EQ(books.find_embryo(0x1000), kNoConnection);
    books.shrink(id, kTimeWait, 5s);
    EXPECT_EQ(books.find_mini(connection.tuple), id);
    EXPECT_EQ(books.find_by_cookie(7), kNoConnection);
    EXPECT_EQ(books.find_mini(connection.tuple.mirrored()), kNoConnection);
}

TEST(Books, AnEmbryoHatches)
{
    Books books;
    Connection embryo = full(0, kSynRecv);
    embryo.kind = SocketKind::kEmbryo;
    embryo.sock = 0x1000;
    const ConnectionId id = books.enter(embryo);
    EXPECT_EQ(books.find_embryo(0x1000), id);
    books.hatch(id, 7, client(7, 7).tuple);
    EXPECT_EQ(books.find_embryo(0x1000), kNoConnection);
    EXPECT_EQ(books.find_by_cookie(7), id);
}

TEST(Books, AListenerIsFoundWhileItListens)
{
    Books books;
    Connection listening = full(7, kListen);
    listening.tuple = listener(7, 80).tuple;
    const ConnectionId id = books.enter(listening);
    EXPECT_EQ(books.find_listener(kNetns, {ipv4(3), 80}), id);
    EXPECT_EQ(books.find_listener(kNetns, {ipv4(3), 81}), kNoConnection);
    EXPECT_EQ(books.find_listener(kNetns + 1, {ipv4(3), 80}), kNoConnection);
    EXPECT_EQ(books.find_listener(0x1000), kNoConnection);
    books.set_sock(id, 0x1000);
    EXPECT_EQ(books.find_listener(0x1000), id);
    books.set_sock(id, 0x2000);
    EXPECT_EQ(books.find_listener(0x1000), kNoConnection);
    EXPECT_EQ(books.find_listener(0x2000), id);
    books.move(id, kEstablished, 1s);
    EXPECT_EQ(books.find_listener(0x2000), kNoConnection);
    EXPECT_EQ(books.find_listener(kNetns, {ipv4(3), 80}), kNoConnection);
    books.move(id, kListen, 1s);
    EXPECT_EQ(books.find_listener(0x2000), id);
    books.strike(id);
    EXPECT_EQ(books.find_listener(0x2000), kNoConnection);
    EXPECT_EQ(books.find_listener(kNetns, {ipv4(3), 80}), kNoConnection);
}

TEST(Books, ATupleMovesBetweenNamespacesWithItsCount)
{
    Books books;
    const ConnectionId id = books.enter(full(7));
    FourTuple elsewhere = books.at(id).tuple;
    elsewhere.netns_inum = kNetns + 1;
    books.set_tuple(id, elsewhere);
    EXPECT_EQ(books.by_netns().at(kNetns), StateCounts{});
    EXPECT_EQ(books.by_netns().at(kNetns + 1)[static_cast<std::size_t>(kEstablished)], 1U);
    books.begin_interval();
    EXPECT_EQ(books.by_netns().size(), 1U) << "an empty namespace is forgotten";
    books.strike(id);
}

TEST(Books, ReownKeepsTheOwnersCountsAndSaysHow)
{
    Books books;
    const ConnectionId id = books.enter(full(7));
    const ProcessId process = books.processes().intern({{5, 6}, 0, 0, "task"});
    books.reown(id, process, How::kConnect);
    EXPECT_EQ(books.processes().at(kUnknownProcess).connections, 0U);
    EXPECT_EQ(books.processes().at(process).connections, 1U);
    books.reown(id, process, How::kClose);
    EXPECT_EQ(books.processes().at(process).connections, 1U);
    EXPECT_EQ(books.at(id).how, How::kClose);
}

TEST(Books, TuplesThatDifferInOneByteHashApart)
{
    const FourTuple tuple = client(7, 40000).tuple;
    std::vector<FourTuple> others(7, tuple);
    others[0].netns_inum ^= 1;
    others[1].local.port ^= 1;
    others[2].remote.port ^= 1;
    others[3].local.address.bytes[15] ^= 1;
    others[4].remote.address.bytes[15] ^= 1;
    others[5].local.address.bytes[0] ^= 1;
    others[6] = tuple.mirrored();
    for (const FourTuple& other : others) {
        EXPECT_NE(hash_of(other), hash_of(tuple));
    }
}

/// What the bookkeeping of `count` connections and of none at all weighs.
TEST(Memory, ABurstsMemoryIsGivenBack)
{
    World world;
    world.connects(client(1, 1), kBrowser);
    const std::size_t before = world.books().memory_bytes();
    constexpr std::uint64_t kBurst = 100'000;
    const auto apply = [&](const auto& record) {
        world.ledger.apply_record(&record, sizeof(record));
    };
    for (std::uint64_t cookie = 2; cookie < kBurst; ++cookie) {
        const Sock sock = client(cookie, static_cast<std::uint16_t>(cookie));
        apply(owned_record(sock, kClose, kSynSent, kBrowser, world.tick()));
    }
    const std::size_t in_burst = world.books().memory_bytes();
    EXPECT_GT(in_burst, kBurst * 64);
    EXPECT_LT(in_burst, kBurst * 256) << "bytes a connection";
    for (std::uint64_t cookie = 2; cookie < kBurst; ++cookie) {
        const Sock sock = client(cookie, static_cast<std::uint16_t>(cookie));
        apply(transition_record(sock, kSynSent, kClose, world.tick()));
    }
    // The tables shrink when something is next entered.
    world.connects(client(kBurst, 9), kBrowser);
    EXPECT_LT(world.books().memory_bytes(), before + 1'000'000);
    world.check_sums();
}

TEST(Memory, EndlessChurnTakesNoMore)
{
    World world;
    std::size_t after_first = 0;
    for (std::uint64_t round = 0; round < 20; ++round) {
        for (std::uint64_t i = 0; i < 3000; ++i) {
            const std::uint64_t cookie = 1 + round * 3000 + i;
            const auto port = static_cast<std::uint16_t>(1 + i);
            const Sock sock = client(cookie, port);
            for (const auto& record : {transition_record(sock, kSynSent, kEstablished, 1s),
                                       transition_record(sock, kEstablished, kClose, 2s)}) {
                world.ledger.apply_record(&record, sizeof(record));
            }
        }
        world.ledger.begin_interval();
        after_first = round == 0 ? world.books().memory_bytes() : after_first;
    }
    EXPECT_LE(world.books().memory_bytes(), 2 * after_first);
    EXPECT_EQ(world.books().size(), 0U);
}

/// What ends is remembered while a sweep runs, and no longer.
TEST(Memory, EndsAreForgottenAfterTheSweep)
{
    World world;
    const Sock sock = client(7, 40000);
    world.goes(sock, kEstablished, kClose);
    EXPECT_FALSE(world.ledger.ends().ended(sock.cookie));
    world.sweep_begins();
    world.goes(sock, kEstablished, kClose);
    EXPECT_TRUE(world.ledger.ends().ended(sock.cookie));
    EXPECT_TRUE(world.ledger.ends().ended(sock.tuple));
    world.sweep_ends();
    EXPECT_FALSE(world.ledger.ends().ended(sock.cookie));
    EXPECT_FALSE(world.ledger.ends().ended(sock.tuple));
}

} // namespace
} // namespace tcpledger
