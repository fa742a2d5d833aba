// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The lives of TCP sockets, transition by transition as the kernel emits them, and what
// is on the books after each.
// Over 400 lines because each life is told whole, state by state.
#include "world.hpp"

#include <array>

namespace tcpledger {
namespace {

using namespace test;
using enum TcpState;

const Task kBrowser{100, "browser"};
const Task kServer{200, "server"};

struct Step {
    TcpState from;
    TcpState to;
    TcpState on_books;          ///< kClose: gone
    const Task* task = nullptr; ///< in whose context; softirq when none
    std::uint16_t error = 0;
    std::uint8_t flags = 0;
};

struct Life {
    const char* name;
    std::vector<Step> steps;
    std::uint64_t opened;
    std::uint64_t closed;
};

/// Lives of one socket that begins with connect().
const std::vector<Life> kActiveLives = {
    {"ClosesFirst_PeerFollowsLater",
     {{kClose, kSynSent, kSynSent, &kBrowser},
      {kSynSent, kEstablished, kEstablished},
      {kEstablished, kFinWait1, kFinWait1, &kBrowser},
      {kFinWait1, kFinWait2, kFinWait2},
      {kFinWait2, kClose, kFinWait2, nullptr, 0, TL_FLAG_ORPHANED}},
     1,
     1},
    {"ClosesFirst_PeersFinComesWithTheAck",
     {{kClose, kSynSent, kSynSent, &kBrowser},
      {kSynSent, kEstablished, kEstablished},
      {kEstablished, kFinWait1, kFinWait1, &kBrowser},
      {kFinWait1, kFinWait2, kFinWait2},
      {kFinWait2, kClose, kTimeWait, nullptr, 0, TL_FLAG_ORPHANED | TL_FLAG_FIN_RECEIVED}},
     1,
     1},
    {"HalfCloses_PeerClosesLater",
     {{kClose, kSynSent, kSynSent, &kBrowser},
      {kSynSent, kEstablished, kEstablished},
      {kEstablished, kFinWait1, kFinWait1, &kBrowser},
      {kFinWait1, kFinWait2, kFinWait2},
      {kFinWait2, kClose, kTimeWait, nullptr, 0, TL_FLAG_FIN_RECEIVED}},
     1,
     1},
    {"PeerClosesFirst",
     {{kClose, kSynSent, kSynSent, &kBrowser},
      {kSynSent, kEstablished, kEstablished},
      {kEstablished, kCloseWait, kCloseWait, nullptr, 0, TL_FLAG_FIN_RECEIVED},
      {kCloseWait, kLastAck, kLastAck, &kBrowser, 0, TL_FLAG_FIN_RECEIVED},
      {kLastAck, kClose, kClose, nullptr, 0, TL_FLAG_FIN_RECEIVED | TL_FLAG_ORPHANED}},
     1,
     1},
    {"BothCloseAtOnce",
     {{kClose, kSynSent, kSynSent, &kBrowser},
      {kSynSent, kEstablished, kEstablished},
      {kEstablished, kFinWait1, kFinWait1, &kBrowser},
      {kFinWait1, kClosing, kClosing, nullptr, 0, TL_FLAG_FIN_RECEIVED},
      {kClosing, kClose, kTimeWait, nullptr, 0, TL_FLAG_FIN_RECEIVED | TL_FLAG_ORPHANED}},
     1,
     1},
    {"BothOpenAtOnce",
     {{kClose, kSynSent, kSynSent, &kBrowser},
      {kSynSent, kSynRecv, kSynRecv},
      {kSynRecv, kEstablished, kEstablished}},
     1,
     0},
    {"Refused",
     {{kClose, kSynSent, kSynSent, &kBrowser}, {kSynSent, kClose, kClose, nullptr, ECONNREFUSED}},
     1,
     1},
    {"TimesOut",
     {{kClose, kSynSent, kSynSent, &kBrowser}, {kSynSent, kClose, kClose, nullptr, ETIMEDOUT}},
     1,
     1},
    {"ResetWhileEstablished",
     {{kClose, kSynSent, kSynSent, &kBrowser},
      {kSynSent, kEstablished, kEstablished},
      {kEstablished, kClose, kClose, nullptr, ECONNRESET}},
     1,
     1},
    {"ClosedWithUnreadData", // close() sends a reset: no error, no FIN
     {{kClose, kSynSent, kSynSent, &kBrowser},
      {kSynSent, kEstablished, kEstablished},
      {kEstablished, kClose, kClose}},
     1,
     1},
    {"ResetInFinWait1",
     {{kClose, kSynSent, kSynSent, &kBrowser},
      {kSynSent, kEstablished, kEstablished},
      {kEstablished, kFinWait1, kFinWait1, &kBrowser},
      {kFinWait1, kClose, kClose, nullptr, ECONNRESET, TL_FLAG_ORPHANED}},
     1,
     1},
    {"ResetInFinWait2",
     {{kClose, kSynSent, kSynSent, &kBrowser},
      {kSynSent, kEstablished, kEstablished},
      {kEstablished, kFinWait1, kFinWait1, &kBrowser},
      {kFinWait1, kFinWait2, kFinWait2},
      {kFinWait2, kClose, kClose, nullptr, ECONNRESET}},
     1,
     1},
    {"ResetInFinWait2_Orphaned",
     {{kClose, kSynSent, kSynSent, &kBrowser},
      {kSynSent, kEstablished, kEstablished},
      {kEstablished, kFinWait1, kFinWait1, &kBrowser},
      {kFinWait1, kFinWait2, kFinWait2},
      {kFinWait2, kClose, kClose, nullptr, ECONNRESET, TL_FLAG_ORPHANED}},
     1,
     1},
    {"ResetInClosing",
     {{kClose, kSynSent, kSynSent, &kBrowser},
      {kSynSent, kEstablished, kEstablished},
      {kEstablished, kFinWait1, kFinWait1, &kBrowser},
      {kFinWait1, kClosing, kClosing},
      {kClosing, kClose, kClose, nullptr, ECONNRESET, TL_FLAG_ORPHANED | TL_FLAG_FIN_RECEIVED}},
     1,
     1},
    {"ResetInCloseWait",
     {{kClose, kSynSent, kSynSent, &kBrowser},
      {kSynSent, kEstablished, kEstablished},
      {kEstablished, kCloseWait, kCloseWait, nullptr, 0, TL_FLAG_FIN_RECEIVED},
      {kCloseWait, kClose, kClose, nullptr, EPIPE, TL_FLAG_FIN_RECEIVED}},
     1,
     1},
    {"ResetInLastAck",
     {{kClose, kSynSent, kSynSent, &kBrowser},
      {kSynSent, kEstablished, kEstablished},
      {kEstablished, kCloseWait, kCloseWait},
      {kCloseWait, kLastAck, kLastAck, &kBrowser},
      {kLastAck, kClose, kClose, nullptr, ECONNRESET, TL_FLAG_ORPHANED | TL_FLAG_FIN_RECEIVED}},
     1,
     1},
    {"RepairedStraightToEstablished", // TCP_REPAIR
     {{kClose, kEstablished, kEstablished, &kBrowser}},
     1,
     0},
};

class ActiveLife : public testing::TestWithParam<Life> {};

TEST_P(ActiveLife, IsOnTheBooksInTheKernelsState)
{
    World world;
    Sock sock = client(7, 40000);
    for (const Step& step : GetParam().steps) {
        sock.error = step.error;
        sock.flags = step.flags;
        if (step.task != nullptr) {
            world.goes(sock, step.from, step.to, *step.task);
        } else {
            world.goes(sock, step.from, step.to);
        }
        EXPECT_EQ(world.books().size(), step.on_books == kClose ? 0U : 1U);
        EXPECT_EQ(world.state(sock), step.on_books);
        if (step.on_books != kClose) {
            EXPECT_EQ(world.count(step.on_books), 1U);
            EXPECT_EQ(world.owner(sock).comm, "browser");
        }
    }
    EXPECT_EQ(world.ledger.counters().opened, GetParam().opened);
    EXPECT_EQ(world.ledger.counters().closed, GetParam().closed);
    EXPECT_EQ(world.ledger.counters().transitions, GetParam().steps.size());
    EXPECT_EQ(world.ledger.counters().malformed, 0U);
}

INSTANTIATE_TEST_SUITE_P(Lives, ActiveLife, testing::ValuesIn(kActiveLives),
                         [](const auto& life) { return std::string(life.param.name); });

/// A server with one connection, at the start of its side of the story.
struct Served : testing::Test {
    World world;
    Sock listening = listener(1);
    Sock peer = client(2, 40000);
    Sock sock = served(3, peer, listening);

    void SetUp() override { world.listens(listening, kServer); }
};

TEST_F(Served, IsBornFromTheListener)
{
    world.goes(sock, kListen, kSynRecv);
    EXPECT_EQ(world.state(listening), kListen) << "the listener stays what it is";
    EXPECT_EQ(world.state(sock), kSynRecv);
    EXPECT_EQ(world.whose(sock), "listener server+unaccepted");
    world.goes(sock, kSynRecv, kEstablished);
    EXPECT_EQ(world.state(sock), kEstablished);
    EXPECT_EQ(world.whose(sock), "listener server+unaccepted");
    EXPECT_EQ(world.find(sock)->tuple, sock.tuple);
    EXPECT_EQ(world.find(sock)->cookie, sock.cookie);
    EXPECT_TRUE(world.find(sock)->passive);
    EXPECT_EQ(world.books().size(), 2U);
    EXPECT_EQ(world.ledger.counters().opened, 1U) << "listen() opens no connection";
}

TEST_F(Served, IsOpenedWhenEstablishedAndOnlyThen)
{
    world.goes(sock, kListen, kSynRecv);
    EXPECT_EQ(world.ledger.counters().opened, 0U);
    sock.error = ECONNRESET;
    world.goes(sock, kSynRecv, kClose);
    EXPECT_EQ(world.ledger.counters().opened, 0U);
    EXPECT_EQ(world.ledger.counters().closed, 0U) << "what never opened cannot close";
    EXPECT_EQ(world.books().size(), 1U);
}

/// TFO: the child takes data while its handshake is unfinished, and can be accepted and closed.
TEST_F(Served, WithFastOpenStaysInSynRecvForAWhile)
{
    world.goes(sock, kListen, kSynRecv);
    world.tick(30ms);
    EXPECT_EQ(world.state(sock), kSynRecv);
    sock.shutdown = kBothShut;
    sock.flags = TL_FLAG_ORPHANED;
    world.goes(sock, kSynRecv, kFinWait1); // closed before the handshake's last ACK
    EXPECT_EQ(world.state(sock), kFinWait1);
    EXPECT_EQ(world.ledger.counters().opened, 1U);
    world.goes(sock, kFinWait1, kFinWait2);
    world.goes(sock, kFinWait2, kClose);
    EXPECT_EQ(world.state(sock), kFinWait2);
    EXPECT_EQ(world.ledger.counters().closed, 1U);
}

/// A child that nobody could use: the handshake's ACK found its tuple taken.
TEST_F(Served, LosesARaceAndIsGone)
{
    world.goes(sock, kListen, kSynRecv);
    sock.flags = TL_FLAG_ORPHANED;
    world.goes(sock, kSynRecv, kClose);
    EXPECT_EQ(world.books().size(), 1U);
    EXPECT_EQ(world.ledger.counters().closed, 0U);
}

TEST_F(Served, AddressOfAnEmbryoWhoseEndWasLostIsUsedAgain)
{
    world.goes(sock, kListen, kSynRecv);
    Sock second = served(4, client(5, 40001), listening);
    second.address = sock.at();
    world.goes(second, kListen, kSynRecv);
    EXPECT_EQ(world.count(kSynRecv), 1U);
    world.goes(second, kSynRecv, kEstablished);
    EXPECT_EQ(world.books().size(), 2U);
    EXPECT_EQ(world.find(second)->tuple, second.tuple);
}

/// SYN cookies: no half-open request was ever on the books; the child comes all the same.
TEST_F(Served, FromASynCookie)
{
    world.is_born(sock);
    EXPECT_EQ(world.state(sock), kEstablished);
    EXPECT_EQ(world.books().size(), 2U);
}

TEST_F(Served, SiblingsOnOnePortAreToldApartByTheirListener)
{
    const Task second{201, "worker"};
    const Sock sibling = listener(9);
    world.listens(sibling, second);
    Sock other = served(10, client(11, 40001), sibling);
    world.is_born(sock);
    world.is_born(other);
    EXPECT_EQ(world.whose(sock), "listener server+unaccepted");
    EXPECT_EQ(world.whose(other), "listener worker+unaccepted");
}

struct ListenerChoice {
    const char* name;
    std::vector<std::pair<IpAddress, const char*>> listeners;
    IpAddress local;
    const char* owner;
};

const std::vector<ListenerChoice> kListenerChoices = {
    {"BoundBeforeWildcard", {{ipv4(0), "any"}, {ipv4(5), "five"}}, ipv4(5), "five"},
    {"WildcardForAnother", {{ipv4(0), "any"}, {ipv4(5), "five"}}, ipv4(6), "any"},
    {"Ipv4BeforeDualStack", {{ipv6(0), "dual"}, {ipv4(0), "any"}}, ipv4(6), "any"},
    {"DualStackAlone", {{ipv6(0), "dual"}}, ipv4(6), "dual"},
    {"Ipv6TakesNoIpv4Listener", {{ipv4(0), "any"}}, ipv6(6), "[unknown]"},
    {"Ipv6Wildcard", {{ipv4(0), "any"}, {ipv6(0), "dual"}}, ipv6(6), "dual"},
    {"NoneFits", {{ipv4(5), "five"}}, ipv4(6), "[unknown]"},
};

class ByAddress : public testing::TestWithParam<ListenerChoice> {};

/// A listener whose struct sock nobody knows is found by its address.
TEST_P(ByAddress, TheKernelsChoice)
{
    World world;
    std::uint64_t cookie = 1;
    for (const auto& [address, name] : GetParam().listeners) {
        Sock sock = listener(cookie, 80);
        sock.tuple.local.address = address;
        world.listens(sock, Task{static_cast<std::uint32_t>(cookie), name});
        ++cookie;
    }
    Sock sock{50, {kNetns, {GetParam().local, 80}, {ipv4(9), 40000}}};
    world.is_born(sock);
    EXPECT_EQ(world.owner(sock).comm, GetParam().owner);
    EXPECT_TRUE(world.find(sock)->unaccepted);
}

INSTANTIATE_TEST_SUITE_P(Listeners, ByAddress, testing::ValuesIn(kListenerChoices),
                         [](const auto& life) { return std::string(life.param.name); });

TEST_F(Served, ListenersOfOtherNamespacesAreNotAsked)
{
    Sock elsewhere{50, {kNetns + 1, {ipv4(1), 80}, {ipv4(9), 40000}}};
    world.is_born(elsewhere);
    EXPECT_EQ(world.whose(elsewhere), "unknown [unknown]+unaccepted");
}

TEST_F(Served, ListenerThatEndedIsNotAsked)
{
    world.goes(listening, kListen, kClose, kServer);
    EXPECT_EQ(world.books().size(), 0U);
    EXPECT_EQ(world.ledger.counters().closed, 0U) << "a listener is no connection";
    world.is_born(sock);
    EXPECT_EQ(world.whose(sock), "unknown [unknown]+unaccepted");
}

TEST_F(Served, ListenerEndsWithItsQueue)
{
    world.is_born(sock);
    world.goes(listening, kListen, kClose, kServer);
    sock.error = ECONNRESET;
    world.goes(sock, kEstablished, kClose);
    EXPECT_EQ(world.books().size(), 0U);
    EXPECT_EQ(world.ledger.counters().closed, 1U);
}

/// Both ends on one host: the server's LAST_ACK → CLOSE proves that the client's
/// mini-socket has got its FIN.
TEST_F(Served, LastAckOfOneEndSettlesTheOther)
{
    world.connects(peer, kBrowser);
    world.is_born(sock);
    world.closes(peer, kBrowser);
    EXPECT_EQ(world.state(peer), kFinWait2);
    const MonotonicTime entered = world.find(peer)->entered;
    world.goes(sock, kEstablished, kCloseWait);
    world.goes(sock, kCloseWait, kLastAck, kServer);
    EXPECT_EQ(world.state(peer), kFinWait2);
    world.goes(sock, kLastAck, kClose);
    EXPECT_EQ(world.state(peer), kTimeWait);
    EXPECT_GT(world.find(peer)->entered, entered) << "a new state, a new age";
    EXPECT_EQ(world.whose(peer), "close browser");
}

TEST_F(Served, LastAckOfAResetSettlesNothing)
{
    world.connects(peer, kBrowser);
    world.is_born(sock);
    world.closes(peer, kBrowser);
    world.goes(sock, kEstablished, kCloseWait);
    world.goes(sock, kCloseWait, kLastAck, kServer);
    sock.error = ECONNRESET;
    world.goes(sock, kLastAck, kClose);
    EXPECT_EQ(world.state(peer), kFinWait2);
}

TEST(Lives, TheTimeInFinWait2GoesOnInTheMiniSocket)
{
    World world;
    Sock sock = client(7, 40000);
    world.connects(sock, kBrowser);
    world.goes(sock, kEstablished, kFinWait1, kBrowser);
    world.goes(sock, kFinWait1, kFinWait2);
    const MonotonicTime entered = world.find(sock)->entered;
    sock.flags = TL_FLAG_ORPHANED;
    world.goes(sock, kFinWait2, kClose);
    EXPECT_EQ(world.find(sock)->entered, entered);
}

TEST(Lives, ConnectHasNoLocalPortUntilItsNextEvent)
{
    World world;
    const Sock sock = client(7, 40000);
    world.goes(sock, kClose, kSynSent, kBrowser);
    EXPECT_EQ(world.find(sock)->tuple.local.port, 0);
    world.goes(sock, kSynSent, kEstablished);
    EXPECT_EQ(world.find(sock)->tuple, sock.tuple);
}

/// tw_reuse: a new connection on the tuple of one in TIME_WAIT takes its place.
TEST(Lives, TupleOfATimeWaitIsUsedAgain)
{
    World world;
    Sock first = client(7, 40000);
    world.connects(first, kBrowser);
    world.closes(first, kBrowser);
    const Sock second = client(8, 40000);
    world.goes(second, kClose, kSynSent, kServer);
    EXPECT_EQ(world.books().size(), 2U);
    world.goes(second, kSynSent, kEstablished);
    EXPECT_EQ(world.books().size(), 1U);
    EXPECT_EQ(world.whose(second), "connect server");
}

TEST_F(Served, TupleOfATimeWaitIsUsedAgainByTheServersSide)
{
    world.is_born(sock);
    world.closes(sock, kServer);
    EXPECT_EQ(world.count(kFinWait2), 1U);
    Sock again = served(13, peer, listening);
    world.is_born(again);
    EXPECT_EQ(world.count(kFinWait2), 0U);
    EXPECT_EQ(world.books().size(), 2U);
}

/// The same socket closes (by disconnect or failure) and connects anew: another connection.
TEST(Lives, SocketConnectsAgain)
{
    World world;
    Sock sock = client(7, 40000);
    sock.error = ECONNREFUSED;
    world.goes(sock, kClose, kSynSent, kBrowser);
    world.goes(sock, kSynSent, kClose);
    sock = client(7, 40001);
    world.connects(sock, kBrowser);
    EXPECT_EQ(world.books().size(), 1U);
    EXPECT_EQ(world.ledger.counters().opened, 2U);
    EXPECT_EQ(world.ledger.counters().closed, 1U);
    EXPECT_EQ(world.find(sock)->tuple, sock.tuple);
}

TEST(Lives, SocketConnectsAgainAfterALostEnd)
{
    World world;
    world.connects(client(7, 40000), kBrowser);
    const Sock again = client(7, 40001);
    world.connects(again, kServer);
    EXPECT_EQ(world.books().size(), 1U);
    EXPECT_EQ(world.whose(again), "connect server");
}

TEST(Lives, ActiveCloseOfASocketThatListensAgain)
{
    World world;
    const Sock sock = listener(7, 8080);
    world.listens(sock, kServer);
    world.goes(sock, kListen, kClose, kServer);
    world.listens(sock, kServer);
    EXPECT_EQ(world.count(kListen), 1U);
    EXPECT_EQ(world.books().size(), 1U);
}

/// Events out of the blue: the first thing known of a socket is the middle of its life.
TEST(Lives, UnknownSocketIsEnteredInMidLife)
{
    for (const auto& [from, to] : std::array<std::pair<TcpState, TcpState>, 6>{{
             {kSynSent, kEstablished},
             {kEstablished, kCloseWait},
             {kEstablished, kFinWait1},
             {kFinWait1, kFinWait2},
             {kFinWait1, kClosing},
             {kCloseWait, kLastAck},
         }}) {
        World world;
        const Sock sock = client(7, 40000);
        world.goes(sock, from, to);
        EXPECT_EQ(world.state(sock), to);
        EXPECT_EQ(world.whose(sock), "unknown [unknown]");
        EXPECT_EQ(world.ledger.counters().opened, 0U);
        EXPECT_EQ(world.find(sock)->opened, MonotonicTime{}) << "older than the tracer";
    }
}

TEST(Lives, UnknownSocketEndsAtOnce)
{
    World world;
    Sock sock = client(7, 40000);
    world.goes(sock, kEstablished, kClose);
    world.goes(client(8, 40001), kLastAck, kClose);
    EXPECT_EQ(world.books().size(), 0U);
    EXPECT_EQ(world.ledger.counters().closed, 2U);
    sock.flags = TL_FLAG_FIN_RECEIVED;
    world.goes(sock, kFinWait2, kClose);
    EXPECT_EQ(world.state(sock), kTimeWait) << "its mini-socket is there all the same";
}

TEST_F(Served, UnknownEmbryoIsBornAtItsSecondEvent)
{
    world.goes(sock, kSynRecv, kEstablished);
    EXPECT_EQ(world.whose(sock), "listener server+unaccepted");
    EXPECT_EQ(world.ledger.counters().opened, 1U);
}

TEST(Lives, MappedAndRealIpv6AreDifferentConnections)
{
    World world;
    Sock four = client(7, 40000);
    Sock six{8, {kNetns, {ipv6(1), 40000}, {ipv6(1), 80}}};
    six.family = kInet6;
    world.connects(four, kBrowser);
    world.connects(six, kBrowser);
    world.closes(four, kBrowser);
    world.closes(six, kBrowser);
    EXPECT_EQ(world.count(kFinWait2), 2U);
}

TEST(Lives, OneTupleInTwoNamespacesIsTwoConnections)
{
    World world;
    Sock here = client(7, 40000);
    Sock there = client(8, 40000);
    there.tuple.netns_inum = kNetns + 1;
    for (const Sock& sock : {here, there}) {
        world.connects(sock, kBrowser);
        world.closes(sock, kBrowser);
    }
    EXPECT_EQ(world.count(kFinWait2), 2U);
    EXPECT_EQ(world.books().by_netns().size(), 2U);
}

// ---- what the observer is told

TEST(Observer, IsToldOwnerAndTimeInTheOldState)
{
    struct Told {
        TcpState from;
        TcpState to;
        std::string owner;
        std::optional<MonotonicTime> time;
    };
    std::vector<Told> told;
    World world([&](const AppliedTransition& transition) {
        told.push_back({transition.old_state, transition.new_state, transition.owner.comm,
                        transition.time_in_old_state});
    });
    const Sock sock = client(7, 40000);
    world.goes(sock, kClose, kSynSent, kBrowser);
    world.tick(20ms);
    world.goes(sock, kSynSent, kEstablished);
    world.goes(sock, kEstablished, kClose);
    ASSERT_EQ(told.size(), 3U);
    EXPECT_EQ(told[0].owner, "browser");
    EXPECT_FALSE(told[0].time) << "nobody saw when it was made";
    EXPECT_EQ(told[1].time, 21ms);
    EXPECT_EQ(told[2].time, 1ms);
    EXPECT_EQ(told[2].to, kClose);
}

TEST(Observer, KnowsNoTimeInAStateItDidNotSeeEntered)
{
    std::vector<std::optional<MonotonicTime>> times;
    World world([&](const AppliedTransition& transition) {
        times.push_back(transition.time_in_old_state);
    });
    const Sock sock = client(7, 40000);
    world.goes(sock, kSynSent, kEstablished); // out of the blue
    world.goes(sock, kEstablished, kCloseWait);
    // ESTABLISHED again would need a lost record; here CLOSE_WAIT → LAST_ACK was lost.
    world.goes(sock, kLastAck, kClose);
    ASSERT_EQ(times.size(), 3U);
    EXPECT_FALSE(times[0]);
    EXPECT_EQ(times[1], 1ms);
    EXPECT_FALSE(times[2]) << "the entry into LAST_ACK was lost";
}

} // namespace
} // namespace tcpledger
