// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Records that are not what they claim to be change nothing and are counted; names are
// taken as the bytes they are.
#include "world.hpp"

#include <limits>

namespace tcpledger {
namespace {

using namespace test;
using enum TcpState;

const Task kBrowser{100, "browser"};

struct Records : testing::Test {
    World world;
    Sock sock = client(7, 40000);
    tl_owned_transition owned = owned_record(sock, kClose, kSynSent, kBrowser, 5s);
    tl_transition plain = transition_record(sock, kSynSent, kEstablished, 6s);

    void expect_refused(const void* data, std::size_t size, const std::string& why)
    {
        const std::uint64_t before = world.ledger.counters().malformed;
        world.ledger.apply_record(data, size);
        EXPECT_EQ(world.ledger.counters().malformed, before + 1) << why;
        EXPECT_EQ(world.ledger.counters().transitions, 0U) << why;
        EXPECT_EQ(world.books().size(), 0U) << why;
        EXPECT_EQ(world.books().processes().size(), 2U) << why;
    }
};

TEST_F(Records, EveryTruncatedSize)
{
    for (std::size_t size = 0; size < sizeof(owned); ++size) {
        expect_refused(&owned, size, "size " + std::to_string(size));
        tl_owned_transition honest = owned; // and says so itself
        honest.transition.header.size_bytes = static_cast<std::uint16_t>(size);
        expect_refused(&honest, size, "honest size " + std::to_string(size));
    }
    for (std::size_t size = 0; size < sizeof(plain); ++size) {
        tl_transition honest = plain;
        honest.header.size_bytes = static_cast<std::uint16_t>(size);
        expect_refused(&honest, size, "honest size " + std::to_string(size));
    }
}

TEST_F(Records, TooLong)
{
    std::vector<unsigned char> bytes(1024, 0xee);
    std::memcpy(bytes.data(), &owned, sizeof(owned));
    for (std::size_t size = sizeof(owned) + 1; size <= bytes.size(); ++size) {
        expect_refused(bytes.data(), size, "size " + std::to_string(size));
        tl_owned_transition honest = owned;
        honest.transition.header.size_bytes = static_cast<std::uint16_t>(size);
        std::memcpy(bytes.data(), &honest, sizeof(honest));
        expect_refused(bytes.data(), size, "honest size " + std::to_string(size));
        std::memcpy(bytes.data(), &owned, sizeof(owned));
    }
}

TEST_F(Records, NotAtAnAlignedAddress)
{
    std::vector<unsigned char> bytes(sizeof(owned) + 8);
    for (std::size_t shift = 1; shift < 8; ++shift) {
        World fresh;
        std::memcpy(bytes.data() + shift, &owned, sizeof(owned));
        fresh.ledger.apply_record(bytes.data() + shift, sizeof(owned));
        EXPECT_EQ(fresh.books().size(), 1U);
    }
}

TEST_F(Records, WrongKind)
{
    for (unsigned kind = 0; kind <= 0xffff; ++kind) {
        if (kind == TL_RECORD_TRANSITION || kind == TL_RECORD_OWNED_TRANSITION ||
            kind == TL_RECORD_PROCESS_EXEC || kind == TL_RECORD_PROCESS_EXIT ||
            kind == TL_RECORD_ACCEPTED || kind == TL_RECORD_LEFT_BEHIND ||
            kind == TL_RECORD_MINI_SOCKET) {
            continue;
        }
        tl_transition wrong = plain;
        wrong.header.kind = static_cast<std::uint16_t>(kind);
        expect_refused(&wrong, sizeof(wrong), "kind " + std::to_string(kind));
    }
}

TEST_F(Records, KindAndSizeOfDifferentRecords)
{
    plain.header.kind = TL_RECORD_OWNED_TRANSITION;
    expect_refused(&plain, sizeof(plain), "a transition that claims an owner");
    plain.header.kind = TL_RECORD_ACCEPTED;
    expect_refused(&plain, sizeof(plain), "an accept by nobody");
    plain.header.kind = TL_RECORD_PROCESS_EXIT;
    expect_refused(&plain, sizeof(plain), "a transition that claims to be an exit");
    owned.transition.header.kind = TL_RECORD_LEFT_BEHIND;
    expect_refused(&owned, sizeof(owned), "what is left behind, with an owner");
    owned.transition.header.kind = TL_RECORD_TRANSITION;
    expect_refused(&owned, sizeof(owned), "an owned one that denies it");
    tl_process_event exit{};
    exit.header.kind = TL_RECORD_TRANSITION;
    exit.header.size_bytes = sizeof(exit);
    expect_refused(&exit, sizeof(exit), "an exit that claims to be a transition");
}

TEST_F(Records, SizeInTheHeaderIsNotTheRecords)
{
    for (const unsigned size : {0U, 1U, 16U, 87U, 89U, 128U, 0xffffU}) {
        tl_transition wrong = plain;
        wrong.header.size_bytes = static_cast<std::uint16_t>(size);
        expect_refused(&wrong, sizeof(wrong), "size_bytes " + std::to_string(size));
    }
}

TEST_F(Records, ImpossibleStates)
{
    for (const unsigned state : {0U, 14U, 15U, 16U, 100U, 255U}) {
        tl_transition wrong = plain;
        wrong.old_state = static_cast<std::uint8_t>(state);
        expect_refused(&wrong, sizeof(wrong), "old state " + std::to_string(state));
        wrong = plain;
        wrong.new_state = static_cast<std::uint8_t>(state);
        expect_refused(&wrong, sizeof(wrong), "new state " + std::to_string(state));
    }
}

TEST_F(Records, ImpossibleWaysOfMiniSockets)
{
    for (std::uint8_t from = 0; from <= 15; ++from) {
        for (std::uint8_t to = 0; to <= 15; ++to) {
            tl_transition mini = plain;
            mini.header.kind = TL_RECORD_MINI_SOCKET;
            mini.old_state = from;
            mini.new_state = to;
            const auto is = [&](TcpState old_state, TcpState new_state) {
                return from == static_cast<std::uint8_t>(old_state) &&
                       to == static_cast<std::uint8_t>(new_state);
            };
            if (!is(kListen, kNewSynRecv) && !is(kNewSynRecv, kClose) && !is(kFinWait2, kClose) &&
                !is(kFinWait2, kTimeWait) && !is(kTimeWait, kClose)) {
                expect_refused(&mini, sizeof(mini),
                               std::to_string(from) + "→" + std::to_string(to));
            }
            tl_transition left = plain;
            left.header.kind = TL_RECORD_LEFT_BEHIND;
            left.old_state = from;
            left.new_state = to;
            if (from < 1 || from > 13 || (to != 5 && to != 6)) {
                expect_refused(&left, sizeof(left), "leaves " + std::to_string(to));
            }
        }
    }
}

/// Every pair of states that the wire can carry leaves the books in balance.
TEST_F(Records, EveryPairOfStates)
{
    for (std::uint8_t from = 1; from <= 13; ++from) {
        for (std::uint8_t to = 1; to <= 13; ++to) {
            for (std::uint8_t then = 1; then <= 13; ++then) {
                World fresh;
                fresh.goes(sock, static_cast<TcpState>(from), static_cast<TcpState>(to), kBrowser);
                fresh.goes(sock, static_cast<TcpState>(to), static_cast<TcpState>(then));
                EXPECT_LE(fresh.books().size(), 2U);
                EXPECT_EQ(fresh.ledger.counters().malformed, 0U);
            }
        }
    }
}

TEST_F(Records, ExtremesOfEveryNumber)
{
    std::memset(&owned, 0xff, sizeof(owned));
    owned.transition.header.kind = TL_RECORD_OWNED_TRANSITION;
    owned.transition.header.size_bytes = sizeof(owned);
    owned.transition.old_state = static_cast<std::uint8_t>(kClose);
    owned.transition.new_state = static_cast<std::uint8_t>(kListen);
    owned.transition.flags = 0;
    world.apply(owned);
    EXPECT_EQ(world.count(kListen), 1U);
    EXPECT_EQ(world.books().processes().size(), 3U);
}

/// comm is any 16 bytes; without NUL all of them.
TEST_F(Records, NamesAreAnyBytes)
{
    const std::vector<std::pair<std::string, std::string>> names = {
        {std::string("\x1b[2J\x07", 5), std::string("\x1b[2J\x07", 5)},
        {"0123456789abcdef", "0123456789abcdef"},
        {std::string("a\0hidden", 8), "a"},
        {"\xff\xfe\x80", "\xff\xfe\x80"},
        {"", ""},
        {"\"},{\"pid\":1", "\"},{\"pid\":1"},
    };
    for (const auto& [sent, shown] : names) {
        World fresh;
        fresh.connects(sock, Task{100, sent});
        EXPECT_EQ(fresh.owner(sock).comm, shown);
    }
}

TEST_F(Records, TurnIsNotRead)
{
    plain.header.turn = 0xdeadbeef;
    plain.cookie = 7;
    world.apply(plain);
    EXPECT_EQ(world.ledger.counters().malformed, 0U);
}

/// A listener whose struct sock seems to move (no kernel does that) leaves no trace behind.
TEST_F(Records, ListenerAtTwoAddresses)
{
    Sock listening = listener(1);
    world.listens(listening, kBrowser);
    const std::uint64_t first_address = listening.at();
    listening.address = 0x1234;
    world.goes(listening, kListen, kListen);
    world.goes(listening, kListen, kClose, kBrowser);
    EXPECT_EQ(world.books().find_listener(first_address), kNoConnection);
    EXPECT_EQ(world.books().find_listener(listening.address), kNoConnection);
}

TEST_F(Records, EmbryoThatChangesItsNamespace)
{
    Sock listening = listener(1);
    world.listens(listening, kBrowser);
    Sock child = served(3, sock, listening);
    world.goes(child, kListen, kSynRecv);
    child.tuple.netns_inum = kNetns + 1;
    world.goes(child, kSynRecv, kEstablished);
    world.goes(child, kEstablished, kClose);
    EXPECT_EQ(world.books().size(), 1U);
}

} // namespace
} // namespace tcpledger
