// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/process_text.hpp"
#include "stub_tree.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tcpledger::procfs {
namespace {

using std::string_literals::operator""s;

TEST(ParseStat, TakesAnyCommWhole)
{
    for (const std::string& comm :
         {"nginx"s, ""s, " "s, "a b"s, ") R 1 ("s, "x) Z 9 9 9"s, "((("s, ")))"s, "two\nlines"s,
          "\x1b[2J\x07"s, "\xff\xfe\x80"s, "kworker/u8:3-events_unbound"s}) {
        const auto stat = parse_stat(stat_line("42", comm, "123456789"));
        ASSERT_TRUE(stat.has_value()) << comm;
        EXPECT_EQ(stat->comm, comm);
        EXPECT_EQ(stat->pid, 42U);
        EXPECT_EQ(stat->parent_pid, 7U);
        EXPECT_EQ(stat->start_ticks, 123456789U);
        EXPECT_EQ(stat->state, 'S');
        EXPECT_FALSE(stat->zombie());
    }
}

TEST(ParseStat, EndedProcessesAreZombies)
{
    EXPECT_TRUE(parse_stat(stat_line("1", "a", "2", 'Z'))->zombie());
    EXPECT_TRUE(parse_stat(stat_line("1", "a", "2", 'X'))->zombie());
    EXPECT_FALSE(parse_stat(stat_line("1", "a", "2", 'I'))->zombie());
}

TEST(ParseStat, EveryCutBeforeTheEndOfTheStartTimeIsRefused)
{
    const std::string whole = stat_line("42", "a) b", "123456789");
    const std::size_t needed = whole.find("123456789") + 10;
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const auto stat = parse_stat(whole.substr(0, length));
        EXPECT_EQ(stat.has_value(), length >= needed) << length;
        if (stat) {
            EXPECT_EQ(stat->start_ticks, 123456789U) << length;
        }
    }
}

TEST(ParseStat, NonsenseIsRefused)
{
    for (const std::string& text :
         {""s, "\n"s, "()"s, ")("s, "42"s, "42 )a("s, "x (a) S 1 "s, "-1 (a) S 1 "s,
          stat_line("99999999999", "a", "1"), stat_line("4x", "a", "1"),
          stat_line("4", "a", "18446744073709551616"), stat_line("4", "a", "-1"),
          std::string(1 << 20, '('), std::string(1 << 20, ')'), std::string(4096, '\0')}) {
        EXPECT_FALSE(parse_stat(text).has_value()) << text.substr(0, 80);
    }
}

TEST(JoinCommandLine, NulsBetweenArgumentsBecomeSpaces)
{
    EXPECT_EQ(join_command_line("a\0-b\0c d\0"s), "a -b c d");
    EXPECT_EQ(join_command_line("a\0\0b\0"s), "a  b");
    EXPECT_EQ(join_command_line("nginx: worker\0\0\0\0\0"s), "nginx: worker");
    EXPECT_EQ(join_command_line("cut in the mid"s), "cut in the mid");
    EXPECT_EQ(join_command_line("\xff\n\x1b\0x"s), "\xff\n\x1b x");
    EXPECT_EQ(join_command_line(""s), "");
    EXPECT_EQ(join_command_line("\0\0"s), "");
}

TEST(ParseCgroup, PicksTheTellingPath)
{
    const std::string id(64, 'a');
    struct Case {
        std::string text;
        std::string path;
    };
    for (const Case& c : std::initializer_list<Case>{
             {"0::/user.slice/a.scope\n", "/user.slice/a.scope"},
             {"0::/\n", "/"},
             {"0::/a:b:c\n", "/a:b:c"},
             {"0::/a.scope (deleted)\n", "/a.scope"},
             {"0::/a\\x2db.scope\n", "/a\\x2db.scope"},
             {"0::/../../x\n", "/../../x"},
             {"3:cpu,cpuacct:/x\n1:name=systemd:/a.service\n0::/\n", "/a.service"},
             {"3:cpu,cpuacct:/long\n2:pids:/x\n1:name=systemd:/\n0::/\n", "/long"},
             {"3:cpu:/docker/" + id + "\n0::/docker.service\n", "/docker/" + id},
             {"0::/no-line-end", "/no-line-end"},
             {"", ""},
             {"\n\n:::\n0:\n0::\n0::relative\n", ""},
             {std::string(1000, ':'), ""},
         }) {
        EXPECT_EQ(parse_cgroup(c.text), c.path) << c.text;
    }
}

TEST(ParseLimits, ReadsOpenFiles)
{
    const std::string head =
        "Limit                     Soft Limit           Hard Limit           "
        "Units     \nMax processes             7           8          processes \n";
    const auto usual = parse_limits(
        head + "Max open files            1024                 524288               files     \n");
    ASSERT_TRUE(usual.has_value());
    EXPECT_EQ(usual->soft, 1024U);
    EXPECT_EQ(usual->hard, 524288U);

    const auto none = parse_limits("Max open files  unlimited  unlimited  files\n");
    ASSERT_TRUE(none.has_value());
    EXPECT_EQ(none->soft, kUnlimited);
    EXPECT_EQ(none->hard, kUnlimited);

    for (const std::string& text :
         {""s, head, "Max open files "s, "Max open files 1024"s, "Max open files 1024 5242"s,
          "Max open files -1 -1 files\n"s, "Max open files many more files\n"s}) {
        EXPECT_FALSE(parse_limits(text).has_value()) << text;
    }
}

TEST(ParseRealUid, ReadsTheFirstOfFour)
{
    EXPECT_EQ(parse_real_uid("Name:\ta\nUid:\t1000\t0\t0\t0\nGid:\t5\t5\t5\t5\n"), 1000U);
    EXPECT_EQ(parse_real_uid("Name:\tUid:\\n7 8\nUid:\t4294967295\t0\t0\t0\n"), 4294967295U);
    for (const char* text : {"", "Uid:", "Uid:\t", "Uid:\t10", "Uid:\tx\t1\n", "uid:\t1\t1\n",
                             "Uid:\t4294967296\t0\n"}) {
        EXPECT_FALSE(parse_real_uid(text).has_value()) << text;
    }
}

} // namespace
} // namespace tcpledger::procfs
