// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Opening stacks as people and programs read them, and as flame graphs.
#include "commands/stack_view.hpp"

#include "commands/flame_files.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

StackFrame frame(const std::string& function, const std::string& file, std::uint32_t line)
{
    return {function, file, line, "/usr/bin/shop", 0x1234, false};
}

CountedStack counted(std::uint64_t count, std::vector<StackFrame> frames)
{
    return {count, Stack{StackHow::kDwarf, std::move(frames), {}}};
}

bool has(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

TEST(StackView, TellsEachFrameWithItsPlace)
{
    StackFrame inlined = frame("connect_to", "/src/net.c", 7);
    inlined.inlined = true;
    const std::vector<CountedStack> stacks = {
        counted(40, {inlined, frame("take", "/src/pool.c", 42), frame("", "", 0)})};
    const std::string text = render_stacks(stacks, 2, "  opened     ", 80);
    EXPECT_TRUE(text.starts_with("  opened     40 of 42 by (dwarf)\n")) << text;
    EXPECT_TRUE(has(text, "connect_to  /src/net.c:7 (inlined)\n")) << text;
    EXPECT_TRUE(has(text, "take        /src/pool.c:42\n")) << text;
    EXPECT_TRUE(has(text, "?           shop+0x1234\n")) << text;
    EXPECT_TRUE(has(text, "2 of 42: not known")) << text;
}

TEST(StackView, NothingKnownIsNothingTold)
{
    EXPECT_EQ(render_stacks({}, 0, "  opened     ", 80), "");
    EXPECT_TRUE(render_stacks({}, 3, "  opened     ", 80).starts_with("  opened     3 of 3: not"));
}

TEST(StackView, ManyAreCutAndCounted)
{
    std::vector<StackFrame> deep;
    std::vector<CountedStack> many;
    for (std::uint32_t number = 0; number < 100; ++number) {
        deep.push_back(frame("f" + std::to_string(number), "", 0));
        many.push_back(counted(1, {frame("g" + std::to_string(number), "", 0)}));
    }
    const std::vector<CountedStack> one = {counted(1, deep)};
    EXPECT_TRUE(has(render_stacks(one, 0, "  ", 80), "… 70 more\n"));
    EXPECT_TRUE(has(render_stacks(many, 0, "  ", 80), "95 more stacks\n"));
}

TEST(StackView, HostileNamesAreSpelledOut)
{
    CountedStack hostile = counted(1, {frame("\x1b[2J\n", "/a\r\n", 3)});
    hostile.stack.hints = {"\x1b]0;title\x07"};
    const std::string text = render_stacks(std::vector{hostile}, 0, "  ", 80);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find('\r'), std::string::npos);
    EXPECT_EQ(text.find('\x07'), std::string::npos);
}

TEST(StackView, JsonHasNullForWhatIsNotKnown)
{
    JsonWriter json;
    json.begin_object();
    write_stacks(json, std::vector{counted(3, {frame("take", "/p.c", 42), frame("", "", 0)})}, 1);
    json.end_object();
    EXPECT_EQ(json.take_line(),
              R"({"stacks":[{"count":3,"how":"dwarf","frames":[)"
              R"({"function":"take","file":"/p.c","line":42,"module":"/usr/bin/shop",)"
              R"("offset":4660,"inlined":false},)"
              R"({"function":null,"file":null,"line":null,"module":"/usr/bin/shop",)"
              R"("offset":4660,"inlined":false}],"hints":[]}],"without_stack":1})");
}

TEST(StackTally, StacksThatReadAlikeAreOne)
{
    std::vector<CountedStack> stacks;
    StackFrame elsewhere = frame("take", "/p.c", 42);
    elsewhere.offset = 0x9999; // another instruction of the line
    add_stack(stacks, Stack{StackHow::kDwarf, {frame("take", "/p.c", 42)}, {}}, 2);
    add_stack(stacks, Stack{StackHow::kDwarf, {elsewhere}, {}}, 3);
    add_stack(stacks, Stack{StackHow::kDwarf, {frame("take", "/p.c", 43)}, {}}, 1);
    ASSERT_EQ(stacks.size(), 2U);
    EXPECT_EQ(stacks[0].count, 5U);
    elsewhere = frame("", "", 0);
    elsewhere.offset = 0x9999; // without a line, what tells places apart is the offset
    add_stack(stacks, Stack{StackHow::kDwarf, {frame("", "", 0)}, {}}, 1);
    add_stack(stacks, Stack{StackHow::kDwarf, {elsewhere}, {}}, 1);
    EXPECT_EQ(stacks.size(), 4U);
}

TEST(FlameStacks, BeginWithTheProcessAndKeepTheSum)
{
    DescribedSuspect suspect;
    suspect.process = ProcessKey{812, 1};
    suspect.names[suspect.process] = "shop";
    suspect.stacks = {counted(3, {frame("take", "/p.c", 42), frame("", "", 0)})};
    suspect.tally.without = 2;
    LeaksReport report;
    report.suspects = {suspect};
    const std::vector<FlameStack> stacks = flame_stacks(report);
    ASSERT_EQ(stacks.size(), 2U);
    EXPECT_EQ(stacks[0].weight, 3U);
    ASSERT_EQ(stacks[0].frames.size(), 3U);
    EXPECT_EQ(stacks[0].frames[0].name, "shop[812]");
    EXPECT_EQ(stacks[0].frames[1].name, "shop+0x1234");
    EXPECT_EQ(stacks[0].frames[2], (FlameFrame{"take", "/p.c", 42}));
    EXPECT_EQ(stacks[1].weight, 2U);
    EXPECT_EQ(stacks[1].frames.size(), 2U);
}

} // namespace
} // namespace tcpledger
