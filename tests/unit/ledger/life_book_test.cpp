// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Whole lives of connections from the records of their transitions, resets and accepts.
#include "told_lives.hpp"

#include <cerrno>

namespace tcpledger::test {
namespace {

TEST_F(Lives, OfAClient)
{
    world.connects(c, kCurl);
    world.tick(10ms);
    closes_first(c, kCurl);
    const FinishedLife& life = only();
    EXPECT_EQ(life.ending, Ending::kLocal);
    EXPECT_TRUE(life.outgoing());
    EXPECT_EQ(life.owner.comm, "curl");
    EXPECT_EQ(life.connection.tuple, c.tuple);
    EXPECT_EQ(life.duration, 14ms) << "from SYN_SENT on";
    EXPECT_EQ(life.connect, 1ms);
    EXPECT_EQ(life.accept_wait, std::nullopt);
    EXPECT_EQ(time_in(life, kSynSent), 1ms);
    EXPECT_EQ(time_in(life, kEstablished), 11ms);
    EXPECT_EQ(time_in(life, kFinWait1), 1ms);
    EXPECT_EQ(time_in(life, kFinWait2), 1ms);
    EXPECT_EQ(time_in(life, kCloseWait), std::nullopt);
    EXPECT_EQ(life.figures.bytes_sent, 1000U) << "each byte once";
    EXPECT_EQ(life.figures.bytes_received, 499U) << "without the FIN";
    EXPECT_EQ(life.figures.retransmits, 2U);
    EXPECT_EQ(life.figures.srtt, 120us);
    EXPECT_EQ(life.figures.min_rtt, 80us);
    EXPECT_EQ(book.size(), 0U) << "nothing is kept of what has ended";
}

TEST_F(Lives, OfAServer)
{
    world.listens(l, kNginx);
    world.is_born(s);
    world.tick(5ms);
    closes_second(s, kNginx);
    const FinishedLife& life = only();
    EXPECT_EQ(life.ending, Ending::kRemote);
    EXPECT_FALSE(life.outgoing());
    EXPECT_EQ(life.owner.comm, "nginx");
    EXPECT_EQ(life.connect, std::nullopt);
    EXPECT_EQ(time_in(life, kSynRecv), 1ms);
    EXPECT_EQ(time_in(life, kCloseWait), 1ms);
    EXPECT_EQ(time_in(life, kLastAck), 1ms);
    EXPECT_EQ(life.duration, 9ms);
}

TEST_F(Lives, AcceptWaitWhereTheHookTells)
{
    world.listens(l, kNginx);
    world.is_born(s);
    world.tick(6ms);
    world.accepts(s, kNginx);
    world.accepts(s, kNginx); // a second record changes nothing
    closes_second(s, kNginx);
    EXPECT_EQ(only().accept_wait, 7ms);
}

TEST_F(Lives, Refused)
{
    world.goes(c, kClose, kSynSent, kCurl);
    c.error = ECONNREFUSED;
    resets(c, false);
    leaves(c, kSynSent);
    const FinishedLife& life = only();
    EXPECT_EQ(life.ending, Ending::kRefused);
    EXPECT_EQ(life.connect, std::nullopt) << "it never was connected";
    EXPECT_EQ(life.connection.tuple, c.tuple) << "the port of its last record";
    ASSERT_TRUE(life.reset);
    EXPECT_FALSE(life.reset->sent);
}

TEST_F(Lives, GivenUpByItsCaller)
{
    world.goes(c, kClose, kSynSent, kCurl);
    leaves(c, kSynSent, kCurl);
    EXPECT_EQ(only().ending, Ending::kInterrupted);
}

TEST_F(Lives, ResetAfterTheEnd)
{
    world.connects(c, kCurl);
    leaves(c, kEstablished, kCurl, TL_FLAG_LINGERS_NOT);
    resets(c, true, 12);
    const FinishedLife& life = only();
    EXPECT_EQ(life.ending, Ending::kAborted);
    ASSERT_TRUE(life.reset);
    EXPECT_TRUE(life.reset->sent);
    EXPECT_EQ(life.reset->reason, 12U);
}

TEST_F(Lives, DataAfterCloseIsAResetOfOurs)
{
    world.connects(c, kCurl);
    Sock closing = c;
    closing.shutdown = kBothShut;
    world.goes(closing, kEstablished, kFinWait1, kCurl);
    resets(c, false); // tcp_reset() calls itself so
    closing.error = ECONNRESET;
    leaves(closing, kFinWait1);
    resets(c, true, 8);
    const FinishedLife& life = only();
    EXPECT_EQ(life.ending, Ending::kResetSent);
    EXPECT_TRUE(life.reset && life.reset->sent);
}

TEST_F(Lives, AnOldResetDoesNotBelongToTheEnd)
{
    world.connects(c, kCurl);
    resets(c, true); // of a stray segment: the connection goes on
    world.tick(1s);
    closes_first(c, kCurl);
    const FinishedLife& life = only();
    EXPECT_EQ(life.ending, Ending::kLocal);
    EXPECT_FALSE(life.reset);
}

TEST_F(Lives, ResetOfAnotherConnection)
{
    world.connects(c, kCurl);
    c.error = ECONNRESET;
    leaves(c, kEstablished);
    resets(client(77, 41000), true);
    const FinishedLife& life = only();
    EXPECT_EQ(life.ending, Ending::kResetReceived);
    EXPECT_FALSE(life.reset);
}

TEST_F(Lives, KilledProcess)
{
    world.connects(c, kCurl);
    closes_first(c, kCurl, TL_FLAG_EXITING | TL_FLAG_KILLED);
    const FinishedLife& life = only();
    EXPECT_EQ(life.ending, Ending::kKilled);
    EXPECT_EQ(life.process_end, ProcessEnd::kKilled);
}

TEST_F(Lives, ExitedProcess)
{
    world.connects(c, kCurl);
    closes_first(c, kCurl, TL_FLAG_EXITING);
    const FinishedLife& life = only();
    EXPECT_EQ(life.ending, Ending::kLocal);
    EXPECT_EQ(life.process_end, ProcessEnd::kExited);
}

TEST_F(Lives, NeverAccepted)
{
    world.listens(l, kNginx);
    world.is_born(s);
    s.flags = TL_FLAG_NOT_ACCEPTED;
    leaves(s, kEstablished);
    resets(s, true);
    const FinishedLife& life = only();
    EXPECT_EQ(life.ending, Ending::kNeverAccepted);
    EXPECT_EQ(life.owner.comm, "nginx") << "its listener's owner";
    EXPECT_TRUE(life.connection.unaccepted);
}

/// accept() is no event without the hook: that somebody had the socket is.
TEST_F(Lives, AcceptedAndNotKnownToBe)
{
    world.listens(l, kNginx);
    world.is_born(s);
    s.error = ECONNRESET;
    leaves(s, kEstablished);
    EXPECT_EQ(only().ending, Ending::kResetReceived);
    EXPECT_FALSE(told.front().connection.unaccepted);
}

TEST_F(Lives, WhoAbortsIsTheOwner)
{
    const Task worker{203, "worker"};
    world.listens(l, kNginx);
    world.is_born(s);
    leaves(s, kEstablished, worker);
    const FinishedLife& life = only();
    EXPECT_EQ(life.ending, Ending::kResetSent) << "close() with data unread";
    EXPECT_EQ(life.owner.comm, "worker");
    EXPECT_EQ(life.connection.how, How::kClose);
}

TEST_F(Lives, HalfOpenThatCameToNothing)
{
    world.listens(l, kNginx);
    world.goes(s, kListen, kSynRecv);
    leaves(s, kSynRecv);
    book.hand_over_all();
    EXPECT_TRUE(told.empty());
    EXPECT_EQ(book.size(), 0U);
}

TEST_F(Lives, ListenersHaveNone)
{
    world.listens(l, kNginx);
    world.goes(l, kListen, kClose, kNginx);
    book.hand_over_all();
    EXPECT_TRUE(told.empty());
    EXPECT_EQ(book.size(), 0U);
}

TEST_F(Lives, OlderThanTheTracer)
{
    closes_second(c, kCurl);
    const FinishedLife& life = only();
    EXPECT_EQ(life.duration, std::nullopt);
    EXPECT_EQ(life.ending, Ending::kRemote);
    EXPECT_EQ(time_in(life, kEstablished), std::nullopt) << "its begin was not seen";
    EXPECT_EQ(time_in(life, kCloseWait), 1ms);
    EXPECT_EQ(life.figures.bytes_sent, 1000U) << "the socket counted from its first byte";
}

TEST_F(Lives, OneSocketTwice)
{
    world.goes(c, kClose, kSynSent, kCurl);
    world.goes(c, kSynSent, kEstablished);
    c.shutdown = 0;
    leaves(c, kEstablished); // connect() to AF_UNSPEC
    world.tick(1s);
    world.connects(c, kCurl);
    closes_first(c, kCurl);
    book.hand_over_all();
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[0].ending, Ending::kAborted);
    EXPECT_EQ(told[1].ending, Ending::kLocal);
    EXPECT_EQ(told[1].duration, 4ms);
}

TEST_F(Lives, WaitForTheirResetAndNoLonger)
{
    world.connects(c, kCurl);
    closes_first(c, kCurl);
    book.hand_over(world.now + 19ms);
    EXPECT_TRUE(told.empty());
    book.hand_over(world.now + 20ms);
    EXPECT_EQ(told.size(), 1U);
    resets(c, true);
    book.hand_over_all();
    EXPECT_EQ(told.size(), 1U) << "none is told twice";
}

TEST_F(Lives, AreToldInTheOrderOfTheirEnds)
{
    for (std::uint64_t cookie = 10; cookie < 20; ++cookie) {
        world.connects(client(cookie, static_cast<std::uint16_t>(41000 + cookie)), kCurl);
    }
    for (std::uint64_t cookie = 20; cookie-- > 10;) {
        closes_first(client(cookie, static_cast<std::uint16_t>(41000 + cookie)), kCurl);
    }
    book.hand_over_all();
    ASSERT_EQ(told.size(), 10U);
    for (std::size_t i = 0; i < told.size(); ++i) {
        EXPECT_EQ(told[i].connection.cookie, 19 - i);
    }
}

/// With refined hooks the connection has become its mini-socket before the farewell.
TEST_F(Lives, OfASocketThatHasLeftAMiniSocket)
{
    world.ledger.expect_told_minis(true, true);
    world.connects(c, kCurl);
    Sock closing = c;
    closing.shutdown = kBothShut;
    world.goes(closing, kEstablished, kFinWait1, kCurl);
    world.goes(closing, kFinWait1, kFinWait2);
    world.leaves_behind(closing, kFinWait2, kTimeWait);
    closing.flags = TL_FLAG_FIN_RECEIVED;
    leaves(closing, kFinWait2);
    EXPECT_EQ(world.state(c), kTimeWait) << "the mini-socket goes on";
    world.mini_goes(c, kTimeWait, kClose);
    const FinishedLife& life = only();
    EXPECT_EQ(life.ending, Ending::kLocal);
    EXPECT_EQ(life.owner.comm, "curl");
    EXPECT_EQ(life.duration, 5ms);
    EXPECT_EQ(time_in(life, kFinWait2), 1ms);
    EXPECT_EQ(book.size(), 0U);
}

TEST_F(Lives, AMiniSocketInFinWait2GoesOnUntold)
{
    world.ledger.expect_told_minis(true, true);
    world.connects(c, kCurl);
    Sock closing = c;
    closing.shutdown = kBothShut;
    world.goes(closing, kEstablished, kFinWait1, kCurl);
    world.goes(closing, kFinWait1, kFinWait2);
    world.leaves_behind(closing, kFinWait2, kFinWait2);
    leaves(closing, kFinWait2);
    world.mini_goes(c, kFinWait2, kTimeWait);
    world.mini_goes(c, kTimeWait, kClose);
    EXPECT_EQ(only().ending, Ending::kLocal);
    EXPECT_EQ(book.size(), 0U);
}

TEST_F(Lives, LostEndsAreForgotten)
{
    world.connects(c, kCurl);
    EXPECT_EQ(book.size(), 1U);
    book.forget_missing(world.books());
    EXPECT_EQ(book.size(), 1U);
    world.goes(c, kEstablished, kClose); // not a farewell: as if it had been lost
    book.forget_missing(world.books());
    EXPECT_EQ(book.size(), 0U);
}

TEST_F(Lives, FiguresThatCannotBe)
{
    world.connects(c, kCurl);
    tl_farewell event = farewell_record(c, kEstablished, world.tick());
    event.bytes_sent = 5;
    event.bytes_retransmitted = 7;
    event.bytes_received = 0;
    event.transition.flags = TL_FLAG_FIN_RECEIVED;
    event.srtt_us = 0;
    event.min_rtt_us = ~0U;
    world.apply(event);
    const FinishedLife& life = only();
    EXPECT_EQ(life.figures.bytes_sent, 0U) << "not below zero";
    EXPECT_EQ(life.figures.bytes_received, 0U);
    EXPECT_EQ(life.figures.srtt, std::nullopt);
    EXPECT_EQ(life.figures.min_rtt, std::nullopt);
}

TEST_F(Lives, MalformedRecordsChangeNothing)
{
    world.connects(c, kCurl);
    tl_farewell event = farewell_record(c, kEstablished, world.tick());
    world.ledger.apply_record(&event, sizeof(event) - 8);
    event.transition.new_state = static_cast<std::uint8_t>(kLastAck);
    world.apply(event);
    event = farewell_record(l, kListen, world.tick());
    world.apply(event);
    event = farewell_record(c, kEstablished, world.tick());
    event.transition.old_state = 99;
    world.apply(event);
    tl_reset reset{};
    reset.header.kind = TL_RECORD_RESET;
    reset.header.size_bytes = sizeof(reset);
    reset.sent = 2;
    world.apply(reset);
    world.ledger.apply_record(&reset, sizeof(reset) - 1);
    EXPECT_EQ(world.ledger.counters().malformed, 6U);
    EXPECT_EQ(world.state(c), kEstablished);
    book.hand_over_all();
    EXPECT_TRUE(told.empty());
}

} // namespace
} // namespace tcpledger::test
