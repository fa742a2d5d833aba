// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Programs that do not leak: no sample of theirs, in a minute or in hours, has a suspect.
#include "leak_world.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace tcpledger {
namespace {

using namespace test;

/// Plays and asks after each sample, as --watch does.
void expect_quiet(LeakWorld& world, LeakTime length, const LeakWorld::Second& second)
{
    for (LeakTime played{}; played < length; played += 5s) {
        world.play(5s, second);
        const auto suspects = world.suspects();
        ASSERT_TRUE(suspects.empty())
            << "after " << played.count() << " ms: " << leak_kind_name(suspects[0].key.kind) << " "
            << suspects[0].stuck << " of " << suspects[0].count;
    }
}

TEST(HealthyTest, KeepalivePool)
{
    LeakWorld world;
    std::mt19937 random(1);
    std::vector<std::uint64_t> pool;
    expect_quiet(world, 2h, [&](LeakWorld& w, std::int64_t second) {
        if (second == 0) {
            for (int i = 0; i < 10; ++i) {
                pool.push_back(w.open(kShop, false));
            }
        }
        w.use(pool[random() % pool.size()]);
    });
}

TEST(HealthyTest, PoolThatGrowsWithTheLoadAndRestsAtNight)
{
    LeakWorld world;
    std::vector<std::uint64_t> pool;
    expect_quiet(world, 3h, [&](LeakWorld& w, std::int64_t second) {
        if (second < 600 && second % 10 == 0) { // the load rises
            pool.push_back(w.open(kShop, false));
        }
        // The last come is the first to be used; from the hour on fewer and fewer are.
        const auto hours = static_cast<std::size_t>(second / 1800);
        const auto busy = second < 3600 ? pool.size() : pool.size() / hours;
        for (std::size_t at = 0; at < busy; ++at) {
            w.use(pool[pool.size() - 1 - at]);
        }
    });
}

TEST(HealthyTest, PoolWithAReaper)
{
    LeakWorld world;
    std::deque<std::pair<std::uint64_t, std::int64_t>> pool;
    expect_quiet(world, 2h, [&](LeakWorld& w, std::int64_t second) {
        pool.emplace_back(w.open(kShop, false), second); // used once, closed when idle for 18 s
        while (pool.front().second + 18 < second) {
            w.close(pool.front().first);
            pool.pop_front();
        }
    });
}

TEST(HealthyTest, StalePoolOfAClient)
{
    LeakWorld world;
    std::vector<std::uint64_t> pool;
    for (int i = 0; i < 8; ++i) {
        pool.push_back(world.open(kShop, false));
        world.pass(7s);
    }
    world.begin_view();
    expect_quiet(world, 2h, [&](LeakWorld& w, std::int64_t second) {
        if (second % 7 == 0 && second / 7 < 8) { // the server's idle timeout, one after another
            w.peer_closes(pool[static_cast<std::size_t>(second / 7)]);
        }
    });
}

TEST(HealthyTest, LongIdleSubscriptions)
{
    LeakWorld world;
    std::mt19937 random(2);
    std::vector<std::uint64_t> users;
    expect_quiet(world, 6h, [&](LeakWorld& w, std::int64_t second) {
        if (second == 0) {
            for (int i = 0; i < 300; ++i) {
                users.push_back(w.open(kShop, true));
            }
        }
        if (second % 60 == 0) { // one goes, another comes
            auto& user = users[random() % users.size()];
            w.close(user);
            user = w.open(kShop, true);
        }
    });
}

TEST(HealthyTest, ShortLivedOnes)
{
    LeakWorld world;
    expect_quiet(world, 10min, [](LeakWorld& w, std::int64_t) {
        for (int i = 0; i < 100; ++i) {
            const auto server = w.open(kShop, true);
            w.peer_closes(server);
            w.close(server);
            w.close(w.open(kOther, false));
        }
        w.peer_closes(w.open(kShop, true)); // one is just being closed as the sample is taken
        std::erase_if(w.sockets, [&](const auto& each) { return each.second.entered < w.now(); });
    });
}

TEST(HealthyTest, HalfClosedAndStillSending)
{
    LeakWorld world;
    std::vector<std::uint64_t> streams;
    expect_quiet(world, 1h, [&](LeakWorld& w, std::int64_t second) {
        if (second % 20 == 0) {
            const auto server = w.open(kShop, true);
            w.peer_closes(server);
            const auto client = w.open(kOther, false);
            w.move(client, TcpState::kFinWait2);
            streams.insert(streams.end(), {server, client});
        }
        for (const auto stream : streams) {
            w.sockets[stream].socket.passive ? w.send(stream) : w.receive(stream);
        }
    });
}

TEST(HealthyTest, ClosersThatTakeTheirTime)
{
    for (const LeakTime delay : {LeakTime(10s), LeakTime(14s)}) {
        LeakWorld world;
        std::deque<std::uint64_t> closing;
        expect_quiet(world, 1h, [&](LeakWorld& w, std::int64_t) {
            for (int i = 0; i < 2; ++i) {
                closing.push_back(w.open(kShop, true));
                w.peer_closes(closing.back());
            }
            while (!closing.empty() && w.now() - w.sockets[closing.front()].entered >= delay) {
                w.close(closing.front());
                closing.pop_front();
            }
        });
    }
}

/// Whoever is at it for longer than the floor is known for it from the first that ends: by the
/// last segment, of sockets older than the view too.
TEST(HealthyTest, ClosersThatTakeAMinute)
{
    LeakWorld world;
    std::deque<std::uint64_t> closing;
    const auto work = [&](LeakWorld& w, std::int64_t) {
        closing.push_back(w.open(kShop, true));
        w.peer_closes(closing.back());
        while (w.now() - w.sockets[closing.front()].entered >= 60s) {
            w.close(closing.front());
            closing.pop_front();
        }
    };
    for (int i = 0; i < 120; ++i) {
        work(world, i);
        world.pass(1s);
    }
    world.begin_view();
    world.play(10s, work);
    expect_quiet(world, 1h, work);
}

TEST(HealthyTest, Bursts)
{
    LeakWorld world;
    std::vector<std::uint64_t> burst;
    expect_quiet(world, 2h, [&](LeakWorld& w, std::int64_t second) {
        if (second % 45 == 0) {
            for (int i = 0; i < 200; ++i) {
                burst.push_back(w.open(kShop, i % 2 == 0));
            }
        }
        if (second % 45 == 20) { // the peers close; the program has read all of them 8 s later
            for (const auto socket : burst) {
                w.peer_closes(socket);
            }
        }
        if (second % 45 == 28) {
            for (const auto socket : burst) {
                w.close(socket);
            }
            burst.clear();
        }
    });
}

TEST(HealthyTest, FiveThousandThatStay)
{
    LeakWorld world;
    for (int i = 0; i < 5000; ++i) {
        world.open(kShop, i % 2 == 0);
    }
    world.pass(1h);
    world.begin_view();
    expect_quiet(world, 10min, [](LeakWorld&, std::int64_t) {});
}

TEST(HealthyTest, RestartInMidView)
{
    LeakWorld world;
    ProcessKey process = kShop;
    expect_quiet(world, 1h, [&](LeakWorld& w, std::int64_t second) {
        if (second % 200 == 0) {
            w.exit(process);
            process = {kShop.pid + static_cast<std::uint32_t>(second), kShop.start_ticks};
            for (int i = 0; i < 100; ++i) {
                w.open(process, i % 2 == 0);
            }
        }
    });
}

TEST(HealthyTest, SlowAccepterThatComesRound)
{
    LeakWorld world;
    std::vector<std::uint64_t> queue;
    expect_quiet(world, 1h, [&](LeakWorld& w, std::int64_t second) {
        queue.push_back(w.open(kShop, true));
        w.sockets[queue.back()].socket.unaccepted = true;
        if (second % 25 == 24) {
            for (const auto socket : queue) {
                w.close(socket);
            }
            queue.clear();
        }
    });
}

/// A server with a child a connection: each is held by a child alone, and that is well.
TEST(HealthyTest, ForkingServer)
{
    LeakWorld world;
    std::uint32_t child = 5000;
    std::deque<std::uint64_t> sessions;
    expect_quiet(world, 2h, [&](LeakWorld& w, std::int64_t second) {
        if (second % 10 == 0) {
            sessions.push_back(w.open(kShop, true));
            w.sockets[sessions.back()].socket.owner = {child++, 7};
            w.sockets[sessions.back()].socket.inherited = true;
            if (sessions.size() > 50) {
                w.close(sessions.front());
                sessions.pop_front();
            }
        }
    });
}

/// What a dump has not seen is not judged: its end may have been lost.
TEST(HealthyTest, OnTheBooksOnly)
{
    LeakWorld world;
    expect_quiet(world, 10min, [](LeakWorld& w, std::int64_t) {
        const auto socket = w.open(kShop, true);
        w.peer_closes(socket);
        w.sockets[socket].socket.seen = false;
    });
}

} // namespace
} // namespace tcpledger
