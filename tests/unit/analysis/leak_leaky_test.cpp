// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Programs that leak, each with a known answer, for a minute and for hours.
#include "leak_world.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

using namespace test;

/// The only suspect there is.
LeakSuspect only(const LeakWorld& world)
{
    const auto suspects = world.suspects();
    EXPECT_EQ(suspects.size(), 1U);
    return suspects.empty() ? LeakSuspect{} : suspects.front();
}

void expect(const LeakSuspect& suspect, LeakKind kind, LeakVerdict verdict,
            LeakConfidence confidence)
{
    EXPECT_EQ(leak_kind_name(suspect.key.kind), leak_kind_name(kind));
    EXPECT_EQ(leak_verdict_name(suspect.judgement.verdict), leak_verdict_name(verdict));
    EXPECT_EQ(leak_confidence_name(suspect.judgement.confidence), leak_confidence_name(confidence));
}

TEST(LeakyTest, NeverCloses)
{
    LeakWorld world;
    world.play(60s, [](LeakWorld& w, std::int64_t) { w.peer_closes(w.open(kShop, true)); });
    const LeakSuspect suspect = only(world);
    expect(suspect, LeakKind::kCloseWait, LeakVerdict::kLeak, LeakConfidence::kMedium);
    EXPECT_EQ(suspect.key.process, kShop);
    EXPECT_TRUE(suspect.key.peer.passive);
    EXPECT_EQ(suspect.key.peer.endpoint.port, 8080);
    EXPECT_EQ(suspect.count, 60U);
    EXPECT_EQ(suspect.stuck, 46U); // those of 15 s and more: opened in second 0 to 45
    EXPECT_EQ(suspect.patience, 15s);
    EXPECT_FALSE(suspect.longest_wait);
    EXPECT_NEAR(suspect.growth_per_min.value_or(0), 60.0, 0.01);
    EXPECT_EQ(suspect.closed, 0U);
    EXPECT_EQ(suspect.oldest.age, 60s);
    EXPECT_FALSE(suspect.oldest.is_lower_bound);
    EXPECT_EQ(suspect.until_exhausted(600), std::optional<LeakTime>(10min));
}

TEST(LeakyTest, SureAfterSomeMinutes)
{
    LeakWorld world;
    world.play(3min, [](LeakWorld& w, std::int64_t) { w.peer_closes(w.open(kShop, true)); });
    expect(only(world), LeakKind::kCloseWait, LeakVerdict::kLeak, LeakConfidence::kHigh);
}

TEST(LeakyTest, OneInAHundred)
{
    LeakWorld world;
    world.play(60s, [](LeakWorld& w, std::int64_t second) {
        for (int i = 0; i < 100; ++i) {
            const auto socket = w.open(kShop, true);
            w.peer_closes(socket);
            if (i != second % 100) {
                w.close(socket);
            }
        }
    });
    const LeakSuspect suspect = only(world);
    expect(suspect, LeakKind::kCloseWait, LeakVerdict::kLeak, LeakConfidence::kMedium);
    EXPECT_NEAR(suspect.growth_per_min.value_or(0), 60.0, 0.01);
    EXPECT_NEAR(suspect.closed_per_min.value_or(0), 5940.0, 0.01);
    EXPECT_NEAR(suspect.opened_per_min.value_or(0), 6000.0, 0.01);
}

TEST(LeakyTest, SlowDripIsSuspectAfterAMinuteAndALeakAfterFive)
{
    LeakWorld world;
    const auto drip = [](LeakWorld& w, std::int64_t second) {
        if (second % 10 == 0) {
            w.peer_closes(w.open(kShop, true));
        }
    };
    world.play(60s, drip);
    expect(only(world), LeakKind::kCloseWait, LeakVerdict::kSuspect, LeakConfidence::kLow);
    world.play(4min, drip);
    expect(only(world), LeakKind::kCloseWait, LeakVerdict::kLeak, LeakConfidence::kHigh);
    EXPECT_NEAR(only(world).growth_per_min.value_or(0), 6.0, 0.5);
}

TEST(LeakyTest, OneInTenMinutesIsFoundInHours)
{
    LeakWorld world;
    world.play(3h, [](LeakWorld& w, std::int64_t second) {
        const auto good = w.open(kShop, true);
        w.peer_closes(good);
        w.close(good);
        if (second % 600 == 0) {
            w.peer_closes(w.open(kShop, true));
        }
    });
    const LeakSuspect suspect = only(world);
    expect(suspect, LeakKind::kCloseWait, LeakVerdict::kLeak, LeakConfidence::kHigh);
    EXPECT_EQ(suspect.count, 18U);
}

TEST(LeakyTest, LeakThatGoesOnAfterAPauseOfAnHour)
{
    LeakWorld world;
    const auto leak = [](LeakWorld& w, std::int64_t) { w.peer_closes(w.open(kShop, true)); };
    world.play(2min, leak);
    world.play(1h, [](LeakWorld&, std::int64_t) {});
    world.play(5min, leak);
    expect(only(world), LeakKind::kCloseWait, LeakVerdict::kLeak, LeakConfidence::kHigh);
}

TEST(LeakyTest, OnlyToOneRemote)
{
    LeakWorld world;
    world.play(60s, [](LeakWorld& w, std::int64_t) {
        for (const char* remote : {"10.0.0.5", "10.0.0.6", "10.0.0.7"}) {
            const auto socket = w.open(kShop, false, remote);
            w.peer_closes(socket);
            if (std::string(remote) != "10.0.0.6") {
                w.close(socket);
            }
        }
    });
    const LeakSuspect suspect = only(world);
    expect(suspect, LeakKind::kCloseWait, LeakVerdict::kLeak, LeakConfidence::kMedium);
    EXPECT_EQ(suspect.key.peer.endpoint.text(), "10.0.0.6:5432");
    EXPECT_EQ(suspect.remotes.size(), 1U);
}

TEST(LeakyTest, PoolThatIsNeverReaped)
{
    LeakWorld world;
    world.play(60s, [](LeakWorld& w, std::int64_t) { w.use(w.open(kShop, false)); });
    const LeakSuspect suspect = only(world);
    expect(suspect, LeakKind::kIdle, LeakVerdict::kLeak, LeakConfidence::kMedium);
    EXPECT_EQ(suspect.count, 41U); // idle for 20 s and more
}

TEST(LeakyTest, IdleIsMeasuredAgainstTheOthersOfTheProcess)
{
    LeakWorld world;
    std::uint64_t heartbeat = 0;
    const auto leak = [&](LeakWorld& w, std::int64_t second) {
        if (second == 0) {
            heartbeat = w.open(kShop, false, "10.0.0.9", 443);
        } else if (second % 30 == 0) {
            w.use(heartbeat); // rests half a minute each time
        }
        w.open(kShop, false);
    };
    world.play(60s, leak);
    EXPECT_TRUE(world.suspects().empty()); // none has rested for twice that yet
    world.play(60s, leak);
    const LeakSuspect suspect = only(world);
    expect(suspect, LeakKind::kIdle, LeakVerdict::kLeak, LeakConfidence::kMedium);
    EXPECT_GE(suspect.patience, 60s);
    EXPECT_LE(suspect.patience, 70s);
}

TEST(LeakyTest, ServerThatNeverTimesItsClientsOut)
{
    LeakWorld world;
    const auto leak = [](LeakWorld& w, std::int64_t second) {
        if (second % 20 == 0) {
            w.use(w.open(kShop, true));
        }
    };
    world.play(12min, leak);
    EXPECT_TRUE(world.suspects().empty());
    world.play(30min, leak);
    expect(only(world), LeakKind::kIdle, LeakVerdict::kSuspect, LeakConfidence::kHigh);
}

TEST(LeakyTest, Unaccepted)
{
    LeakWorld world;
    world.play(60s, [](LeakWorld& w, std::int64_t second) {
        const auto socket = w.open(kShop, true);
        w.sockets[socket].socket.unaccepted = true;
        if (second % 2 == 0) {
            w.peer_closes(socket); // has given up
        }
    });
    const LeakSuspect suspect = only(world);
    expect(suspect, LeakKind::kUnaccepted, LeakVerdict::kLeak, LeakConfidence::kMedium);
    EXPECT_FALSE(suspect.takes_descriptors);
    EXPECT_FALSE(suspect.until_exhausted(100));
}

TEST(LeakyTest, InheritedByOneChild)
{
    LeakWorld world;
    world.play(60s, [](LeakWorld& w, std::int64_t second) {
        if (second == 10) {
            for (int i = 0; i < 6; ++i) {
                const auto socket = w.open(kShop, true);
                w.sockets[socket].socket.owner = kChild;
                w.sockets[socket].socket.inherited = true;
                w.peer_closes(socket);
            }
        }
    });
    const LeakSuspect suspect = only(world);
    EXPECT_EQ(suspect.key.kind, LeakKind::kInherited);
    EXPECT_EQ(suspect.key.process, kShop); // who opened them
    EXPECT_EQ(suspect.fds_of, std::optional(kChild));
    EXPECT_EQ(suspect.count, 6U);
}

TEST(LeakyTest, InheritedByAChildEach)
{
    LeakWorld world;
    world.play(60s, [](LeakWorld& w, std::int64_t second) {
        if (second % 4 == 0) {
            const auto socket = w.open(kShop, true);
            w.sockets[socket].socket.owner = {2000 + static_cast<std::uint32_t>(second), 7};
            w.sockets[socket].socket.inherited = true;
            w.peer_closes(socket);
        }
    });
    const LeakSuspect suspect = only(world);
    expect(suspect, LeakKind::kInherited, LeakVerdict::kLeak, LeakConfidence::kMedium);
    EXPECT_EQ(suspect.key.process, kShop);
    EXPECT_EQ(suspect.holders.size(), 15U);
}

TEST(LeakyTest, FinWait2WaitsForAPeerThatLeaks)
{
    LeakWorld world;
    world.play(90s, [](LeakWorld& w, std::int64_t) {
        const auto socket = w.open(kShop, false);
        w.move(socket, TcpState::kFinWait2);
        w.sockets[socket].socket.orphan = true;
        std::erase_if(w.sockets, [&](const auto& each) { // the kernel's timer
            return w.now() - each.second.entered >= 60s;
        });
    });
    const LeakSuspect suspect = only(world);
    EXPECT_EQ(suspect.key.kind, LeakKind::kFinWait2);
    EXPECT_EQ(suspect.judgement.verdict, LeakVerdict::kSuspect);
    EXPECT_EQ(suspect.patience, 30s); // the timer's end is no wait that came to its end
    EXPECT_FALSE(suspect.takes_descriptors);
}

TEST(LeakyTest, SynSentToARemoteThatNeverAnswers)
{
    LeakWorld world;
    const auto connect = [](LeakWorld& w, std::int64_t second) {
        if (second % 5 == 0) {
            w.move(w.open(kShop, false), TcpState::kSynSent);
        }
    };
    world.play(40s, connect);
    const LeakSuspect suspect = only(world);
    EXPECT_EQ(suspect.key.kind, LeakKind::kSynSent);
    EXPECT_EQ(suspect.judgement.verdict, LeakVerdict::kSuspect);
    world.flows.begin()->second.answered = 1; // one came through
    world.play(5s, connect);
    EXPECT_TRUE(world.suspects().empty());
}

TEST(LeakyTest, OlderThanTheViewByTheLastSegment)
{
    LeakWorld world;
    for (int i = 0; i < 60; ++i) {
        world.peer_closes(world.open(kShop, true));
        world.pass(2min);
    }
    world.begin_view();
    world.play(30s, [](LeakWorld&, std::int64_t) {});
    const LeakSuspect suspect = only(world);
    expect(suspect, LeakKind::kCloseWait, LeakVerdict::kLeak, LeakConfidence::kHigh);
    EXPECT_EQ(suspect.older_count, 60U);
    EXPECT_TRUE(suspect.oldest.is_lower_bound);
    EXPECT_EQ(suspect.oldest.age, 30s);
    EXPECT_EQ(suspect.oldest.estimate, std::optional<LeakTime>(2h + 30s));
}

TEST(LeakyTest, OldPileIsASuspect)
{
    LeakWorld world;
    for (int i = 0; i < 12; ++i) {
        world.peer_closes(world.open(kShop, true));
    }
    world.pass(2h);
    world.begin_view();
    world.play(30s, [](LeakWorld&, std::int64_t) {});
    const LeakSuspect suspect = only(world);
    EXPECT_EQ(suspect.judgement.verdict, LeakVerdict::kSuspect);
    EXPECT_EQ(suspect.growth_per_min, std::optional(0.0));
    EXPECT_FALSE(suspect.until_exhausted(10));
}

TEST(LeakyTest, ResetsDoNotTeachPatience)
{
    LeakWorld world;
    world.play(60s, [](LeakWorld& w, std::int64_t second) {
        const auto socket = w.open(kShop, true);
        w.peer_closes(socket);
        if (second > 30 && second % 3 == 0) {
            w.abort(w.sockets.begin()->first); // the peer's reset, not the program
        }
    });
    const LeakSuspect suspect = only(world);
    EXPECT_EQ(suspect.patience, 15s);
    EXPECT_EQ(suspect.judgement.verdict, LeakVerdict::kLeak);
}

TEST(LeakyTest, UnreadBytes)
{
    LeakWorld world;
    world.play(60s, [](LeakWorld& w, std::int64_t) {
        const auto socket = w.open(kShop, true);
        w.peer_closes(socket);
        w.sockets[socket].socket.recv_queue = 101; // 100 bytes and the end of the stream
    });
    const LeakSuspect suspect = only(world);
    EXPECT_EQ(suspect.unread_bytes, 100U * suspect.stuck);
    EXPECT_EQ(suspect.unread_ends, suspect.stuck);
}

} // namespace
} // namespace tcpledger
