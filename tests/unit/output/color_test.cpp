// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/color.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "base/unique_fd.hpp"

#include <cstdlib>

namespace tcpledger {
namespace {

TEST(Color, ModesAreReadExactly)
{
    EXPECT_EQ(parse_color_mode("auto"), ColorMode::kAuto);
    EXPECT_EQ(parse_color_mode("always"), ColorMode::kAlways);
    EXPECT_EQ(parse_color_mode("never"), ColorMode::kNever);
    for (const char* text : {"", "Always", "yes", "auto "}) {
        EXPECT_FALSE(parse_color_mode(text).has_value()) << text;
    }
}

TEST(Color, AutoWantsATerminalThatCanAndAUserWhoWants)
{
    const ColorEnvironment good{.is_terminal = true};
    EXPECT_TRUE(color_wanted(ColorMode::kAuto, good));
    EXPECT_FALSE(color_wanted(ColorMode::kNever, good));
    EXPECT_FALSE(color_wanted(ColorMode::kAuto, {.is_terminal = false}));
    EXPECT_FALSE(color_wanted(ColorMode::kAuto, {.is_terminal = true, .no_color = true}));
    EXPECT_FALSE(color_wanted(ColorMode::kAuto, {.is_terminal = true, .dumb = true}));
    // The explicit word beats NO_COLOR.
    EXPECT_TRUE(
        color_wanted(ColorMode::kAlways, {.is_terminal = false, .no_color = true, .dumb = true}));
}

TEST(Color, TheEnvironmentIsRead)
{
    const UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    ::setenv("TERM", "xterm", 1);
    ::setenv("NO_COLOR", "", 1);
    EXPECT_FALSE(ColorEnvironment::of(null.get()).no_color);
    EXPECT_FALSE(ColorEnvironment::of(null.get()).dumb);
    EXPECT_FALSE(ColorEnvironment::of(null.get()).is_terminal);
    ::setenv("NO_COLOR", "1", 1);
    ::unsetenv("TERM");
    EXPECT_TRUE(ColorEnvironment::of(null.get()).no_color);
    EXPECT_TRUE(ColorEnvironment::of(null.get()).dumb);
}

TEST(Color, ThePainterResetsWhatItSets)
{
    EXPECT_EQ(Painter(true).paint("x", Style::kBad), "\x1b[1;31mx\x1b[0m");
    EXPECT_EQ(Painter(true).paint("x", Style::kPlain), "x");
    EXPECT_EQ(Painter(true).paint("", Style::kBad), "");
    EXPECT_EQ(Painter(false).paint("x", Style::kBad), "x");
    EXPECT_EQ(style_of(TcpState::kCloseWait), Style::kWarning);
}

} // namespace
} // namespace tcpledger
