// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/terminal.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace tcpledger {
namespace {

struct Pty {
    UniqueFd master;
    UniqueFd slave;

    Pty()
    {
        int ends[2] = {-1, -1};
        winsize size{.ws_row = 33, .ws_col = 121, .ws_xpixel = 0, .ws_ypixel = 0};
        EXPECT_EQ(::openpty(&ends[0], &ends[1], nullptr, nullptr, &size), 0);
        master = UniqueFd(ends[0]);
        slave = UniqueFd(ends[1]);
    }
};

TEST(TerminalSize, TheTerminalKnows)
{
    const Pty pty;
    const TerminalSize size = terminal_size(pty.slave.get());
    EXPECT_EQ(size.rows, 33U);
    EXPECT_EQ(size.columns, 121U);
}

TEST(TerminalSize, ElseTheEnvironmentElseTheUsual)
{
    const UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    ::setenv("LINES", "50", 1);
    ::setenv("COLUMNS", "132", 1);
    EXPECT_EQ(terminal_size(null.get()).rows, 50U);
    EXPECT_EQ(terminal_size(null.get()).columns, 132U);
    for (const char* nonsense : {"", "0", "-4", "12x", "99999999999999999999", "1000000"}) {
        ::setenv("LINES", nonsense, 1);
        ::setenv("COLUMNS", nonsense, 1);
        EXPECT_EQ(terminal_size(null.get()).rows, 24U) << nonsense;
        EXPECT_EQ(terminal_size(null.get()).columns, 80U) << nonsense;
    }
}

TEST(ComposeFrame, EachLineErasesItsRestAndTheScreenNeverScrolls)
{
    EXPECT_EQ(compose_frame("a\nb\n", 5), "\x1b[Ha\x1b[K\r\nb\x1b[K\x1b[J");
    EXPECT_EQ(compose_frame("a\nb\nc\n", 2), "\x1b[Ha\x1b[K\r\nb\x1b[K\x1b[J");
    EXPECT_EQ(compose_frame("", 5), "\x1b[H\x1b[K\x1b[J");
    const std::string many(100, '\n');
    EXPECT_EQ(std::ranges::count(compose_frame(many, 10), '\n'), 9);
    EXPECT_EQ(compose_frame("a", 0), "\x1b[H\x1b[J");
}

TEST(Screen, RestoresTheTerminalWhenItGoes)
{
    const Pty pty;
    {
        Expected<LineStream> stream = LineStream::open(pty.slave.get());
        ASSERT_TRUE(stream.has_value());
        {
            Screen screen(*stream);
            screen.show("hello\n", {});
        }
        ASSERT_TRUE(stream->close());
    }
    std::string got(4096, '\0');
    const ssize_t count = ::read(pty.master.get(), got.data(), got.size());
    ASSERT_GT(count, 0);
    got.resize(static_cast<std::size_t>(count));
    EXPECT_TRUE(got.starts_with("\x1b[?25l\x1b[?7l")) << got;
    EXPECT_NE(got.find("hello\x1b[K"), std::string::npos);
    EXPECT_NE(got.find("\x1b[?7h\x1b[?25h"), std::string::npos);
    EXPECT_GT(got.find("\x1b[?25h"), got.find("hello"));
}

} // namespace
} // namespace tcpledger
