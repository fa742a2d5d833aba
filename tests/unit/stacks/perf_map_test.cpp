// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stacks/perf_map.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tcpledger {
namespace {

std::string function_at(const PerfMap& map, std::uint64_t address)
{
    StackFrame frame;
    return map.name(address, frame) ? frame.function : "none";
}

TEST(PerfMap, NamesWhatLiesBetweenStartAndEnd)
{
    const PerfMap map = PerfMap::parse("1000 20 first\n0x2000 0x10 second one\n");
    EXPECT_EQ(function_at(map, 0xfff), "none");
    EXPECT_EQ(function_at(map, 0x1000), "first");
    EXPECT_EQ(function_at(map, 0x101f), "first");
    EXPECT_EQ(function_at(map, 0x1020), "none");
    EXPECT_EQ(function_at(map, 0x200f), "second one");
    EXPECT_FALSE(PerfMap().contains(0x1000));
}

TEST(PerfMap, WhatIsCompiledAgainReplacesWhatItOverlaps)
{
    const PerfMap map = PerfMap::parse("1000 100 a\n1100 100 b\n1080 100 c\n2000 10 d\n2000 8 e\n");
    EXPECT_EQ(function_at(map, 0x1000), "none"); // a lay where c lies now
    EXPECT_EQ(function_at(map, 0x1080), "c");
    EXPECT_EQ(function_at(map, 0x117f), "c");
    EXPECT_EQ(function_at(map, 0x1180), "none");
    EXPECT_EQ(function_at(map, 0x2007), "e");
    EXPECT_EQ(function_at(map, 0x2008), "none");
}

TEST(PerfMap, LinesThatAreNoneArePassedOver)
{
    const std::string hostile = "\n \nxyz\n1000\n1000 10\n1000  10 a\n-1 10 b\n1000 0 c\n"
                                "ffffffffffffffff 10 d\n10000000000000000 10 e\n1000 1g f\n"
                                "5000 10 good\n6000 10 without an end of line";
    const PerfMap map = PerfMap::parse(hostile);
    EXPECT_EQ(function_at(map, 0x1000), "none");
    EXPECT_EQ(function_at(map, 0x5000), "good");
    EXPECT_EQ(function_at(map, 0x6000), "without an end of line");
}

TEST(PerfMap, NamesAreCut)
{
    const PerfMap map = PerfMap::parse("1000 10 " + std::string(1 << 20, 'x'));
    EXPECT_EQ(function_at(map, 0x1000).size(), PerfMap::kMostNameBytes);
}

TEST(JitNames, OfV8TellFunctionFileAndLine)
{
    const struct {
        const char* name;
        StackFrame frame;
    } cases[] = {
        {"JS:*open /app/pool.js:12:20", {"open", "/app/pool.js", 12, "", 0, false}},
        {"LazyCompile:~open file:///app/a b.mjs:3:1", {"open", "/app/a b.mjs", 3, "", 0, false}},
        {"JS:~ /app/pool.js:1:1", {"(anonymous)", "/app/pool.js", 1, "", 0, false}},
        {"JS:^connect node:net:1019:10", {"connect", "node:net", 1019, "", 0, false}},
        {"JS:*open", {"open", "", 0, "", 0, false}},
        {"JS:*open /no/line", {"JS:*open /no/line", "", 0, "", 0, false}},
        {"JS:", {"", "", 0, "", 0, false}},
        {"void Opener.main(java.lang.String[])",
         {"void Opener.main(java.lang.String[])", "", 0, "", 0, false}},
        {"", {"", "", 0, "", 0, false}},
    };
    for (const auto& [name, expected] : cases) {
        StackFrame frame;
        split_jit_name(name, frame);
        EXPECT_EQ(frame, expected) << name;
    }
}

} // namespace
} // namespace tcpledger
