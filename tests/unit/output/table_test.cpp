// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/table.hpp"

#include "output/utf8.hpp"

#include <gtest/gtest.h>

#include <array>
#include <sstream>

namespace tcpledger {
namespace {

const Painter kNoColor;

TEST(Table, WidthsFitTheRows)
{
    Table table({{.header = "PID", .align = Align::kRight},
                 {.header = "COMM"},
                 {.header = "N", .align = Align::kRight}});
    table.add_row({"1", "systemd", "12"});
    table.add_row({"123456", "sh", "3"});
    EXPECT_EQ(table.render(kNoColor), "   PID COMM     N\n"
                                      "     1 systemd 12\n"
                                      "123456 sh       3\n");
    EXPECT_EQ(table.row_count(), 2U);
}

TEST(Table, WithoutHeaderItsWidthDoesNotCount)
{
    Table table({{.header = "PROCESS"}, {.header = "N"}});
    table.add_row({"sh", "3"});
    EXPECT_EQ(table.render(kNoColor, 0, false), "sh 3\n");
}

TEST(Table, CellsAreMadeVisibleAndAlignByWhatIsSeen)
{
    Table table({{.header = "COMM"}, {.header = "N"}});
    table.add_row({"データ", "1"});
    table.add_row({"a\x1b[2J\nb", "2"});
    EXPECT_EQ(table.render(kNoColor), "COMM        N\n"
                                      "データ      1\n"
                                      "a\\x1b[2J\\nb 2\n");
}

TEST(Table, LongCellsAreCutAtMaxWidth)
{
    Table table({{.header = "C", .max_width = 4}, {.header = "N"}});
    table.add_row({"abcdefgh", "1"});
    table.add_row({"abcd", "2"});
    table.add_row({"データ", "3"});
    EXPECT_EQ(table.render(kNoColor, 0, false), "abc… 1\nabcd 2\nデ…  3\n");
}

TEST(Table, ShrinkingColumnsGiveWayToTheTerminal)
{
    Table table({{.header = "PID"}, {.header = "COMMAND", .shrinks = true}, {.header = "N"}});
    table.add_row({"1", "/usr/bin/a-very-long-command --with options", "7"});
    std::istringstream lines(table.render(kNoColor, 20));
    for (std::string line; std::getline(lines, line);) {
        EXPECT_LE(display_width(line), 20U) << line;
    }
    // No further than the header.
    EXPECT_EQ(table.render(kNoColor, 5), "PID COMMAND N\n1   /usr/b… 7\n");
}

TEST(Table, ColorChangesNoWidth)
{
    Table table({{.header = "S"}, {.header = "N"}});
    table.add_row({Cell("CLOSE_WAIT", Style::kBad), "1"});
    EXPECT_EQ(table.render(Painter(true), 0, false), "\x1b[1;31mCLOSE_WAIT\x1b[0m 1\n");
}

TEST(Table, MissingCellsAreBlankAndSurplusOnesIgnored)
{
    Table table({{.header = "A"}, {.header = "B"}});
    table.add_row({"1"});
    table.add_row({"1", "2", "3"});
    table.add_row(std::initializer_list<Cell>{});
    EXPECT_EQ(table.render(kNoColor), "A B\n1\n1 2\n\n");
}

TEST(RowFormat, FixedWidthsPushRatherThanLie)
{
    const RowFormat format({{.header = "PID", .align = Align::kRight, .width = 5},
                            {.header = "COMM", .width = 6, .max_width = 6},
                            {.header = "ADDRESS", .width = 9},
                            {.header = "MS", .width = 0}});
    EXPECT_EQ(format.header(), "  PID COMM   ADDRESS   MS");
    std::string out;
    format.append_row(out, std::array<Cell, 4>{"1", "nginx-worker", "10.0.0.1", "0.1"});
    out += '\n';
    format.append_row(out, std::array<Cell, 4>{"2", "sh", "2001:db8::1", "0.2"});
    out += '\n';
    format.append_row(out, std::array<Cell, 2>{"3", "\t"});
    EXPECT_EQ(out, "    1 nginx… 10.0.0.1  0.1\n"
                   "    2 sh     2001:db8::1 0.2\n"
                   "    3 \\t");
}

} // namespace
} // namespace tcpledger
