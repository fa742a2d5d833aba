// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What `top` can be sorted by, and in which order rows come.
#include "commands/top_columns.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;

ProcessOverview row(std::uint32_t pid, std::string comm, std::uint32_t connections)
{
    ProcessOverview process;
    if (pid != 0) {
        process.key = ProcessKey{pid, 1};
    }
    process.comm = std::move(comm);
    process.connections = connections;
    return process;
}

std::vector<std::string> order(std::vector<ProcessOverview> rows, std::string_view column)
{
    sort_processes(rows, column);
    std::vector<std::string> names;
    for (const ProcessOverview& process : rows) {
        names.push_back(process.comm);
    }
    return names;
}

TEST(SortColumns, AreTheFixedOnesAndEveryState)
{
    const std::vector<std::string> names = sort_column_names();
    EXPECT_EQ(names.size(), 6 + kShownStates.size());
    for (const std::string& name : names) {
        EXPECT_TRUE(is_sort_column(name)) << name;
    }
}

TEST(SortColumns, AreReadInAnyCaseAndSpelling)
{
    for (const char* name : {"total", "TOTAL", "Pid", "close-wait", "CLOSE_WAIT", "estab",
                             "ESTABLISHED", "time-wait", "oldest", "unconn"}) {
        EXPECT_TRUE(is_sort_column(name)) << name;
    }
    for (const char* name : {"", "totals", "cpu", "close wait", "total ", "\xff"}) {
        EXPECT_FALSE(is_sort_column(name)) << name;
    }
}

struct Case {
    const char* column;
    std::vector<std::string> order;
};

TEST(SortProcesses, ByEachColumn)
{
    std::vector<ProcessOverview> rows = {row(30, "beta", 5), row(10, "gamma", 1),
                                         row(0, "[unknown]", 9), row(20, "alpha", 5)};
    rows[0].opened = 7;
    rows[1].closed = 3;
    rows[1].states[static_cast<std::size_t>(TcpState::kCloseWait)] = 1;
    rows[3].oldest_close_wait = 5s;
    rows[0].oldest_close_wait = 9s;
    rows[1].oldest_close_wait = 0s; // just entered is older than never
    const std::vector<Case> cases = {
        {"total", {"[unknown]", "alpha", "beta", "gamma"}},
        {"pid", {"[unknown]", "gamma", "alpha", "beta"}},
        {"comm", {"[unknown]", "alpha", "beta", "gamma"}},
        {"opened", {"beta", "[unknown]", "alpha", "gamma"}},
        {"closed", {"gamma", "[unknown]", "alpha", "beta"}},
        {"oldest", {"beta", "alpha", "gamma", "[unknown]"}},
        {"Close-Wait", {"gamma", "[unknown]", "alpha", "beta"}},
    };
    for (const Case& expected : cases) {
        EXPECT_EQ(order(rows, expected.column), expected.order) << expected.column;
    }
}

TEST(SortProcesses, EqualRowsComeByPid)
{
    EXPECT_EQ(order({row(3, "c", 1), row(1, "a", 1), row(2, "b", 1)}, "total"),
              (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(order({row(3, "same", 1), row(1, "same", 2)}, "comm").size(), 2U);
}

/// Whatever order rows come in, they are shown in one.
TEST(SortProcesses, IsTheSameFromEveryStart)
{
    std::vector<ProcessOverview> rows;
    for (std::uint32_t i = 1; i <= 200; ++i) {
        rows.push_back(row(i, std::string(1, static_cast<char>('a' + i % 7)), i % 3));
        rows.back().opened = i % 5;
        if (i % 4 != 0) {
            rows.back().oldest_close_wait = std::chrono::seconds(i % 6);
        }
    }
    const auto pid = [](const ProcessOverview& process) { return process.key->pid; };
    for (const std::string& column : sort_column_names()) {
        std::vector<ProcessOverview> forwards = rows;
        std::vector<ProcessOverview> backwards(rows.rbegin(), rows.rend());
        sort_processes(forwards, column);
        sort_processes(backwards, column);
        EXPECT_TRUE(std::ranges::equal(forwards, backwards, {}, pid, pid)) << column;
    }
}

} // namespace
} // namespace tcpledger
