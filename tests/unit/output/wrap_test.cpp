// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sentences broken into lines, whatever bytes are in them.
#include "output/wrap.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

TEST(Wrap, BreaksAtBlanks)
{
    EXPECT_EQ(wrap("one two three", "- ", 9), "- one two\n  three\n");
    EXPECT_EQ(wrap("one two three", "- ", 10), "- one two\n  three\n");
    EXPECT_EQ(wrap("one two three", "- ", 15), "- one two three\n");
    EXPECT_EQ(wrap("one two three", "- ", 14), "- one two\n  three\n");
}

TEST(Wrap, KeepsALongWordWhole)
{
    EXPECT_EQ(wrap("a 0123456789 b", "", 4), "a\n0123456789\nb\n");
}

TEST(Wrap, NothingOfNothing)
{
    EXPECT_EQ(wrap("", "- ", 10), "");
    EXPECT_EQ(wrap("   ", "- ", 10), "");
    EXPECT_EQ(wrap(" a  b ", "", 10), "a b\n");
}

TEST(Wrap, ShowsWhatWouldMoveTheCursor)
{
    EXPECT_EQ(wrap("a\x1b[2J\nb", "", 80), "a\\x1b[2J\\nb\n");
}

TEST(Wrap, CountsColumnsNotBytes)
{
    EXPECT_EQ(wrap("äöü äöü", "", 7), "äöü äöü\n");
    EXPECT_EQ(wrap("äöü äöü", "", 6), "äöü\näöü\n");
}

} // namespace
} // namespace tcpledger
