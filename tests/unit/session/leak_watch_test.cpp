// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Books and a look at the kernel brought together: who has a socket is the look's to tell, since
// when and by whom it was opened the books'.
#include "session/leak_watch.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kCookie = 7;
constexpr MonotonicTime kBegun = 100s;

/// Processes by their time of birth: the server before the view, helpers within it.
constexpr ProcessKey kServer{10, 2000};  // 20 s after boot
constexpr ProcessKey kWorker{11, 3000};  // a prefork worker
constexpr ProcessKey kHelper{12, 13000}; // 130 s: forked after the connection was opened

struct Joining : testing::Test {
    Joining() : watch({kBegun, kBegun, {}}, {})
    {
        for (const ProcessKey& key : {kServer, kWorker, kHelper}) {
            processes.push_back(books.processes().intern({key, 0, 0, "prog"}));
        }
    }

    Connection connection(ProcessId owner, How how)
    {
        Connection fresh;
        fresh.cookie = kCookie;
        fresh.tuple = {1, {{}, 8080}, {{}, 40000}};
        fresh.owner = owner;
        fresh.how = how;
        fresh.state = TcpState::kCloseWait;
        fresh.passive = true;
        fresh.opened = 120s;
        fresh.entered = 125s;
        return fresh;
    }

    static CensusHolder held_by(const ProcessKey& process, std::uint32_t fd)
    {
        CensusHolder holder;
        holder.cookie = kCookie;
        holder.pid = process.pid;
        holder.start_ticks = process.start_ticks;
        holder.fd = fd;
        return holder;
    }

    /// What a look at 160 s makes of the one connection there is.
    LeakSocket join(std::vector<CensusHolder> holders, TcpState listed = TcpState::kCloseWait)
    {
        SocketRow row;
        row.cookie = kCookie;
        row.state = listed;
        row.inode = holders.empty() ? 0 : 5;
        row.recv_queue_bytes = 1;
        SocketDetails details;
        details.has_info = true;
        details.info.last_data_sent_ms = 30'000;
        const LeakLook look(160s, std::vector{row}, std::vector{details}, std::move(holders));
        sample = watch.sample(look, books);
        EXPECT_EQ(sample.sockets.size(), 1U);
        return sample.sockets.empty() ? LeakSocket{} : sample.sockets.front();
    }

    Books books;
    std::vector<ProcessId> processes;
    LeakWatch watch;
    LeakSample sample;
};

TEST_F(Joining, TimesAndFigures)
{
    books.enter(connection(processes[0], How::kAccept));
    const LeakSocket socket = join({held_by(kServer, 9), held_by(kServer, 4)});
    EXPECT_EQ(socket.in_state, 35s);
    EXPECT_EQ(socket.since_opened, std::optional<LeakTime>(40s));
    EXPECT_EQ(socket.since_data_went, std::optional<LeakTime>(30s));
    EXPECT_EQ(socket.recv_queue, 1U);
    EXPECT_TRUE(socket.seen);
    EXPECT_TRUE(socket.passive);
    EXPECT_EQ(socket.owner, kServer);
    EXPECT_EQ(socket.holders, 2U);
    EXPECT_EQ(sample.holders[0].fd, 4U);
}

/// Where no event tells of accept(), the books learn of it by a census: on a busy host much later.
TEST_F(Joining, AcceptedSinceTheLastCensus)
{
    Connection queued = connection(processes[0], How::kListener);
    queued.unaccepted = true;
    books.enter(queued);
    const LeakSocket by_server = join({held_by(kServer, 9)});
    EXPECT_FALSE(by_server.unaccepted);
    EXPECT_FALSE(by_server.inherited);
    const LeakSocket by_worker = join({held_by(kWorker, 9)});
    EXPECT_FALSE(by_worker.unaccepted);
    EXPECT_FALSE(by_worker.inherited); // it was there before
    EXPECT_EQ(by_worker.owner, kWorker);
}

TEST_F(Joining, StillInTheQueue)
{
    Connection queued = connection(processes[0], How::kListener);
    queued.unaccepted = true;
    books.enter(queued);
    const LeakSocket socket = join({});
    EXPECT_TRUE(socket.unaccepted);
    EXPECT_EQ(socket.owner, kServer);
}

TEST_F(Joining, InheritedSinceTheLastCensus)
{
    Connection queued = connection(processes[0], How::kListener);
    queued.unaccepted = true;
    const ConnectionId id = books.enter(queued);
    (void)join({held_by(kServer, 9)});
    const LeakSocket shared = join({held_by(kServer, 9), held_by(kHelper, 9)});
    EXPECT_FALSE(shared.inherited); // the server has it too
    LeakSocket alone = join({held_by(kHelper, 9)});
    EXPECT_TRUE(alone.inherited);
    EXPECT_EQ(alone.owner, kHelper);
    EXPECT_EQ(alone.opener, kServer);
    books.details(id).unaccepted = false; // a census has come round
    books.reown(id, processes[2], How::kAccept);
    alone = join({held_by(kHelper, 9)});
    EXPECT_TRUE(alone.inherited);
    EXPECT_EQ(alone.opener, kServer);
}

TEST_F(Joining, NotInheritedWhereTheOpenerHasEnded)
{
    books.enter(connection(processes[0], How::kAccept));
    (void)join({held_by(kServer, 9)});
    books.processes().at(processes[0]).exited = true;
    EXPECT_FALSE(join({held_by(kHelper, 9)}).inherited); // a daemon that went into the background
    ASSERT_EQ(sample.exited.size(), 1U);
    EXPECT_EQ(sample.exited[0], kServer);
}

TEST_F(Joining, InAnotherStateThanTheBooksSay)
{
    books.enter(connection(processes[0], How::kAccept));
    const LeakSocket socket = join({held_by(kServer, 9)}, TcpState::kEstablished);
    EXPECT_FALSE(socket.seen); // one of the two is older
    EXPECT_FALSE(socket.since_data_went);
}

} // namespace
} // namespace tcpledger
