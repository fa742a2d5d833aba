// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What counts for a command, and what was left to its end.
#include "analysis/exec_book.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kOurs = 77;

Process process_of(std::uint32_t pid, std::uint64_t cgroup = kOurs)
{
    Process process;
    process.key = {pid, 1};
    process.cgroup_id = cgroup;
    process.comm = "cmd";
    return process;
}

FinishedLife life_of(std::uint32_t pid, Ending ending, bool passive = false)
{
    FinishedLife life;
    life.owner = process_of(pid);
    life.connection.passive = passive;
    life.connection.opened = 1s;
    life.connection.tuple.remote.port = 5432;
    life.closed = 10s;
    life.duration = 9s;
    life.ending = ending;
    life.figures.bytes_sent = 10;
    return life;
}

ExecBook book_of_ours()
{
    return ExecBook([](const Process& process) { return process.cgroup_id == kOurs; });
}

void tell(ExecBook& book, std::uint64_t cookie, TcpState from, TcpState to, MonotonicTime time,
          std::uint8_t flags = 0, std::uint32_t pid = 1)
{
    Connection connection;
    connection.cookie = cookie;
    const Process owner = process_of(pid);
    book.transition({time, connection, owner, from, to, std::nullopt, 0, flags, 0, nullptr});
}

TEST(ExecBookTest, CountsByEndingAndProcess)
{
    ExecBook book = book_of_ours();
    book.finished(life_of(1, Ending::kLocal));
    book.finished(life_of(2, Ending::kRefused));
    book.finished(life_of(2, Ending::kRemote, true));
    EXPECT_EQ(book.total().opened, 2U);
    EXPECT_EQ(book.total().accepted, 1U);
    EXPECT_EQ(book.total().failed(), 1U);
    EXPECT_EQ(book.total().ended_well(), 2U);
    EXPECT_EQ(book.total().bytes_sent, 30U);
    EXPECT_EQ(book.processes().size(), 2U);
    EXPECT_EQ(book.processes().at({2, 1}).figures.failed(), 1U);
    EXPECT_EQ(book.remotes().begin()->second, 2U); // what came in is nobody's choice
    EXPECT_EQ(book.lifetimes().count(), 3U);
}

TEST(ExecBookTest, OthersAndWhatIsOlderDoNotCount)
{
    ExecBook book = book_of_ours();
    FinishedLife stranger = life_of(3, Ending::kLocal);
    stranger.owner.cgroup_id = 1;
    book.finished(stranger);
    FinishedLife older = life_of(1, Ending::kLocal);
    older.connection.opened = {};
    book.finished(older);
    EXPECT_EQ(book.total().opened, 0U);
    EXPECT_TRUE(book.processes().empty());
}

TEST(ExecBookTest, NeverAcceptedIsAFailureOfNobody)
{
    ExecBook book = book_of_ours();
    book.finished(life_of(1, Ending::kNeverAccepted, true));
    EXPECT_EQ(book.total().failed(), 1U);
    EXPECT_EQ(book.total().accepted, 0U);
    EXPECT_TRUE(book.processes().empty());
}

TEST(ExecBookTest, LeakedIsWhatThePeerHadClosedBeforeTheExit)
{
    ExecBook book = book_of_ours();
    tell(book, 1, TcpState::kEstablished, TcpState::kFinWait1, 9s, TL_FLAG_EXITING);
    FinishedLife life = life_of(1, Ending::kRemote, true);
    life.process_end = ProcessEnd::kExited;
    const auto wait = static_cast<std::size_t>(TcpState::kCloseWait);
    life.time_in_state[wait] = 500ms; // since 9.5 s: by the same exit
    book.finished(life);
    EXPECT_EQ(book.total().unclosed, 1U);
    EXPECT_EQ(book.total().leaked, 0U);
    life.time_in_state[wait] = 1500ms;
    book.finished(life);
    EXPECT_EQ(book.total().unclosed, 2U);
    EXPECT_EQ(book.total().leaked, 1U);
    life.process_end = ProcessEnd::kLives; // closed late, but closed
    book.finished(life);
    EXPECT_EQ(book.total().unclosed, 2U);
}

TEST(ExecBookTest, Peak)
{
    ExecBook book = book_of_ours();
    for (std::uint64_t cookie = 1; cookie <= 5; ++cookie) {
        tell(book, cookie, TcpState::kClose, TcpState::kSynSent, 1s);
        if (cookie > 3) {
            tell(book, cookie, TcpState::kSynSent, TcpState::kClose, 2s);
        }
    }
    tell(book, 1, TcpState::kEstablished, TcpState::kClose, 3s);
    tell(book, 9, TcpState::kClose, TcpState::kSynSent, 4s);
    EXPECT_EQ(book.peak(), 4U);
}

} // namespace
} // namespace tcpledger
