// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Cells in ss's columns.
#include "commands/list_columns.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>

namespace tcpledger {
namespace {

void add_row(ListColumns& columns, std::initializer_list<std::string_view> cells)
{
    for (const std::string_view cell : cells) {
        columns.text() += cell;
        columns.end_cell();
    }
}

std::string written(const ListColumns& columns, bool with_header)
{
    std::string out;
    columns.write([&](std::string_view lines) { out += lines; }, with_header);
    return out;
}

ListColumns two_rows()
{
    ListColumns columns;
    add_row(columns, {"tcp", "LISTEN", "0", "128", "127.0.0.1:", "80", "0.0.0.0:", "*", "7",
                      " users:((\"a\",pid=1,fd=3))"});
    add_row(columns, {"tcp", "ESTAB", "1000", "0", "[::1]:", "40784", "[::1]:", "443", "8", ""});
    return columns;
}

TEST(ListColumns, AlignAtTheColons)
{
    ListColumns columns = two_rows();
    columns.hide(ListColumn::kNetid);
    columns.hide(ListColumn::kNetns);
    EXPECT_EQ(
        written(columns, true),
        "State  Recv-Q Send-Q Local Address:Port  Peer Address:Port Process\n"
        "LISTEN 0      128        127.0.0.1:80         0.0.0.0:*     users:((\"a\",pid=1,fd=3))\n"
        "ESTAB  1000   0              [::1]:40784        [::1]:443\n");
}

TEST(ListColumns, WithoutAHeaderOnlyTheRowsMakeTheWidths)
{
    ListColumns columns = two_rows();
    columns.hide(ListColumn::kNetid);
    columns.hide(ListColumn::kNetns);
    EXPECT_EQ(written(columns, false), "LISTEN 0    128 127.0.0.1:80    0.0.0.0:*  "
                                       " users:((\"a\",pid=1,fd=3))\n"
                                       "ESTAB  1000 0       [::1]:40784   [::1]:443\n");
}

TEST(ListColumns, TheProcessStaysLastWithNamespaces)
{
    const ListColumns columns = two_rows();
    const std::string out = written(columns, true);
    EXPECT_NE(out.find(":Port Netns Process\n"), std::string::npos) << out;
    EXPECT_NE(out.find("*    7      users:("), std::string::npos) << out;
    EXPECT_NE(out.find("443  8\n"), std::string::npos) << out;
}

TEST(ListColumns, NothingIsAHeaderAlone)
{
    ListColumns columns;
    EXPECT_EQ(columns.rows(), 0U);
    EXPECT_EQ(written(columns, false), "");
    columns.hide(ListColumn::kNetid);
    columns.hide(ListColumn::kState);
    columns.hide(ListColumn::kNetns);
    EXPECT_EQ(written(columns, true),
              "Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n");
}

TEST(ListColumns, ManyRowsComeInPieces)
{
    ListColumns columns;
    for (int i = 0; i < 5000; ++i) {
        add_row(columns,
                {"tcp", "ESTAB", "0", "0", "127.0.0.1:", "80", "127.0.0.1:", "1", "7", ""});
    }
    std::size_t pieces = 0;
    std::size_t lines = 0;
    columns.write(
        [&](std::string_view text) {
            ++pieces;
            EXPECT_TRUE(text.ends_with('\n'));
            lines += static_cast<std::size_t>(std::ranges::count(text, '\n'));
        },
        false);
    EXPECT_EQ(columns.rows(), 5000U);
    EXPECT_EQ(lines, 5000U);
    EXPECT_GT(pieces, 2U);
}

} // namespace
} // namespace tcpledger
