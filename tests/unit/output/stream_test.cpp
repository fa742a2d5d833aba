// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Real pipes and files: slow readers, readers that leave, readers that never read.
#include "output/stream.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <sstream>
#include <thread>
#include <vector>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Pipe {
    UniqueFd reader;
    UniqueFd writer;

    Pipe()
    {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        reader = UniqueFd(ends[0]);
        writer = UniqueFd(ends[1]);
    }
};

std::string read_to_end(int fd)
{
    std::string all;
    char buffer[4096];
    for (ssize_t count = 0; (count = ::read(fd, buffer, sizeof(buffer))) > 0;) {
        all.append(buffer, static_cast<std::size_t>(count));
    }
    return all;
}

std::vector<std::string> lines_of(const std::string& text)
{
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        lines.push_back(line);
    }
    return lines;
}

bool has_input(int fd)
{
    pollfd asked{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&asked, 1, 1000) == 1 && (asked.revents & POLLIN) != 0;
}

std::string numbered(int number)
{
    return std::to_string(number) + " " + std::string(static_cast<std::size_t>(number % 200), 'x');
}

LineStream must_open(int fd, LineStreamOptions options = {})
{
    Expected<LineStream> stream = LineStream::open(fd, std::move(options));
    EXPECT_TRUE(stream.has_value());
    return std::move(*stream);
}

class LineStreamTest : public ::testing::Test {
protected:
    void SetUp() override { ::signal(SIGPIPE, SIG_IGN); } // as main does
};

TEST_F(LineStreamTest, EveryLineArrivesInOrderInBothModes)
{
    for (const WhenFull mode : {WhenFull::kWait, WhenFull::kDrop}) {
        Pipe pipe;
        std::string got;
        std::thread reader([&] { got = read_to_end(pipe.reader.get()); });
        std::string sent;
        {
            LineStream stream =
                must_open(pipe.writer.get(), {.when_full = mode, .limit_bytes = 64U << 20U});
            for (int number = 0; number < 20'000; ++number) {
                const std::string line = numbered(number);
                EXPECT_TRUE(stream.write_line(line));
                sent += line + '\n';
            }
            EXPECT_TRUE(stream.close());
            EXPECT_FALSE(stream.write_line("too late"));
            EXPECT_EQ(stream.dropped(), 0U);
        }
        pipe.writer.reset();
        reader.join();
        EXPECT_EQ(got, sent);
    }
}

TEST_F(LineStreamTest, APipeNobodyReadsHoldsUpNobody)
{
    Pipe pipe;
    const int capacity = ::fcntl(pipe.writer.get(), F_GETPIPE_SZ);
    ASSERT_GT(capacity, 0);
    const auto start = Clock::now();
    std::uint64_t accepted = 0;
    const int offered = 100'000;
    {
        LineStream stream = must_open(pipe.writer.get(), {.limit_bytes = 1U << 20U});
        for (int number = 0; number < offered; ++number) {
            accepted += stream.write_line(numbered(number)) ? 1U : 0U;
        }
        EXPECT_LT(Clock::now() - start, 2s);
        EXPECT_EQ(stream.dropped() + accepted, static_cast<std::uint64_t>(offered));
        EXPECT_GT(stream.dropped(), 0U);
        EXPECT_FALSE(stream.closed());
        const auto before_close = Clock::now();
        EXPECT_FALSE(stream.close(200ms));
        EXPECT_LT(Clock::now() - before_close, 2s);
    }
    // What the pipe holds are whole lines, though the writer was abandoned in the middle.
    pipe.writer.reset();
    const std::string got = read_to_end(pipe.reader.get());
    ASSERT_FALSE(got.empty());
    EXPECT_EQ(got.back(), '\n');
    // Nothing beyond the pipe's own store and the write that was stuck in it.
    EXPECT_LE(got.size(), static_cast<std::size_t>(capacity) + PIPE_BUF);
    int number = 0;
    for (const std::string& line : lines_of(got)) {
        ASSERT_EQ(line, numbered(number++));
    }
}

/// Lines 0, 1, 2 … of which some may be missing: each marker must stand exactly where they are.
/// Says how many the markers tell of.
std::uint64_t expect_markers_in_place(const std::string& got, int offered)
{
    int expected = 0;
    std::uint64_t marked = 0;
    for (const std::string& line : lines_of(got)) {
        if (line.front() == '#') {
            const int missing = std::stoi(line.substr(2));
            expected += missing;
            marked += static_cast<std::uint64_t>(missing);
        } else if (line != numbered(expected++)) {
            ADD_FAILURE() << "line " << line.substr(0, line.find(' ')) << " where " << expected - 1
                          << " was due";
            return marked;
        }
    }
    EXPECT_EQ(expected, offered);
    return marked;
}

std::string marker_of(std::uint64_t count)
{
    return "# " + std::to_string(count) + " lines dropped";
}

TEST_F(LineStreamTest, ASlowReaderSeesWholeLinesAndMarkersThatAddUp)
{
    Pipe pipe;
    std::string got;
    std::thread reader([&] {
        std::this_thread::sleep_for(100ms);
        got = read_to_end(pipe.reader.get());
    });
    const int offered = 200'000;
    std::uint64_t dropped = 0;
    {
        LineStream stream =
            must_open(pipe.writer.get(), {.limit_bytes = 256 * 1024, .drop_marker = marker_of});
        for (int number = 0; number < offered; ++number) {
            stream.write_line(numbered(number));
            if (number % 1000 == 0) {
                std::this_thread::sleep_for(1ms);
            }
        }
        EXPECT_TRUE(stream.close(10s));
        dropped = stream.dropped();
    }
    pipe.writer.reset();
    reader.join();
    EXPECT_GT(dropped, 0U);
    EXPECT_EQ(expect_markers_in_place(got, offered), dropped);
}

// The reader makes room between any two steps of the writer's side.
TEST_F(LineStreamTest, AMarkerPrecedesTheFirstLineThatGetsThroughAgain)
{
    Pipe pipe;
    std::string got;
    std::thread reader([&] { got = read_to_end(pipe.reader.get()); });
    const int offered = 2'000'000;
    std::uint64_t dropped = 0;
    {
        LineStream stream =
            must_open(pipe.writer.get(), {.limit_bytes = 8 * 1024, .drop_marker = marker_of});
        for (int number = 0; number < offered; ++number) {
            stream.write_line(numbered(number));
        }
        EXPECT_TRUE(stream.close(10s));
        dropped = stream.dropped();
    }
    pipe.writer.reset();
    reader.join();
    EXPECT_GT(dropped, 0U);
    EXPECT_EQ(expect_markers_in_place(got, offered), dropped);
}

TEST_F(LineStreamTest, WithoutMarkerLinesAreOnlyCounted)
{
    Pipe pipe;
    std::string got;
    LineStream stream = must_open(pipe.writer.get(), {.limit_bytes = 200'000});
    while (stream.write_line("early")) {
    }
    std::uint64_t refused = 1;
    std::thread reader([&] { got = read_to_end(pipe.reader.get()); });
    for (const auto start = Clock::now();
         !stream.write_line("late") && Clock::now() - start < 5s;) {
        ++refused;
        std::this_thread::sleep_for(1ms);
    }
    EXPECT_TRUE(stream.close(5s));
    EXPECT_EQ(stream.dropped(), refused);
    pipe.writer.reset();
    stream = must_open(STDOUT_FILENO); // lets go of the pipe, so that the reader sees its end
    reader.join();
    const std::vector<std::string> lines = lines_of(got);
    ASSERT_GT(lines.size(), 1U);
    EXPECT_EQ(lines.back(), "late");
    EXPECT_EQ(lines[lines.size() - 2], "early");
}

TEST_F(LineStreamTest, AReaderThatLeftClosesQuietly)
{
    for (const WhenFull mode : {WhenFull::kWait, WhenFull::kDrop}) {
        Pipe pipe;
        LineStream stream = must_open(pipe.writer.get(), {.when_full = mode});
        pipe.reader.reset();
        stream.write_line("nobody");
        stream.flush();
        for (const auto start = Clock::now(); !stream.closed() && Clock::now() - start < 5s;) {
            std::this_thread::sleep_for(1ms);
        }
        EXPECT_TRUE(stream.closed());
        EXPECT_FALSE(stream.error().has_value());
        EXPECT_FALSE(stream.write_line("nobody"));
        EXPECT_EQ(stream.dropped(), 0U);
        EXPECT_FALSE(stream.close());
    }
}

TEST_F(LineStreamTest, AReaderThatLeftIsNoticedWithoutAWrite)
{
    Pipe pipe;
    LineStream stream = must_open(pipe.writer.get());
    const auto now = Clock::now();
    stream.flush_if_due(now);
    EXPECT_FALSE(stream.closed());
    pipe.reader.reset();
    stream.flush_if_due(now + 50ms);
    EXPECT_FALSE(stream.closed());
    stream.flush_if_due(now + 100ms);
    EXPECT_TRUE(stream.closed());
    EXPECT_FALSE(stream.error().has_value());
}

TEST_F(LineStreamTest, ALineWaitsNoLongerThanTheInterval)
{
    Pipe pipe;
    LineStream stream = must_open(pipe.writer.get(), {.when_full = WhenFull::kWait});
    const auto now = Clock::now();
    stream.flush_if_due(now);
    stream.write_line("early");
    stream.flush_if_due(now + 99ms);
    pollfd asked{.fd = pipe.reader.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&asked, 1, 0), 0);
    stream.flush_if_due(now + 100ms);
    EXPECT_TRUE(has_input(pipe.reader.get()));
}

TEST_F(LineStreamTest, AFullBufferIsFlushedUnasked)
{
    Pipe pipe;
    LineStream stream = must_open(pipe.writer.get());
    stream.write_line(std::string(LineStream::kFlushBytes, 'x'));
    EXPECT_TRUE(has_input(pipe.reader.get()));
    pipe.reader.reset();
}

TEST_F(LineStreamTest, OtherFailuresAreErrors)
{
    const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    ASSERT_TRUE(full.valid());
    for (const WhenFull mode : {WhenFull::kWait, WhenFull::kDrop}) {
        LineStream stream = must_open(full.get(), {.when_full = mode});
        stream.write_line("x");
        EXPECT_FALSE(stream.close());
        ASSERT_TRUE(stream.error().has_value());
        EXPECT_EQ(stream.error()->error_number, ENOSPC);
    }
    EXPECT_FALSE(LineStream::open(-1).has_value());
}

TEST_F(LineStreamTest, ANonBlockingDescriptorIsWaitedFor)
{
    Pipe pipe;
    ASSERT_EQ(::fcntl(pipe.writer.get(), F_SETFL, O_NONBLOCK), 0);
    std::string got;
    std::thread reader([&] {
        std::this_thread::sleep_for(20ms);
        got = read_to_end(pipe.reader.get());
    });
    const std::string line(1U << 20U, 'x'); // longer than any piece
    LineStream stream = must_open(pipe.writer.get(), {.when_full = WhenFull::kWait});
    EXPECT_TRUE(stream.write_line(line));
    EXPECT_TRUE(stream.close());
    pipe.writer.reset();
    reader.join();
    EXPECT_EQ(got, line + "\n");
}

TEST_F(LineStreamTest, PipesGetWholeLinesThatFitOneAtomicWrite)
{
    const Pipe pipe;
    const FdSink sink(pipe.writer.get());
    const std::string line(999, 'x');
    std::string text;
    for (int count = 0; count < 10; ++count) {
        text += line + '\n';
    }
    EXPECT_EQ(sink.piece_of(text), 4000U);
    EXPECT_EQ(sink.piece_of(std::string(10'000, 'x')), static_cast<std::size_t>(PIPE_BUF));
    EXPECT_EQ(sink.piece_of("ab\ncd"), 5U);
}

TEST_F(LineStreamTest, FileGetsEverything)
{
    char path[] = "/tmp/line_stream_XXXXXX";
    const UniqueFd file(::mkstemp(path));
    ASSERT_TRUE(file.valid());
    ::unlink(path);
    LineStream stream = must_open(file.get(), {.limit_bytes = 256U << 20U});
    std::size_t bytes = 0;
    for (int number = 0; number < 200'000; ++number) {
        const std::string line = numbered(number);
        ASSERT_TRUE(stream.write_line(line));
        bytes += line.size() + 1;
    }
    ASSERT_TRUE(stream.close(30s));
    EXPECT_EQ(::lseek(file.get(), 0, SEEK_END), static_cast<off_t>(bytes));
}

} // namespace
} // namespace tcpledger
