// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/flame_bounds.hpp"

#include "flame_samples.hpp"
#include "output/utf8.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace tcpledger {
namespace {

std::uint64_t sum_of(std::span<const FlameStack> stacks)
{
    std::uint64_t sum = 0;
    for (const FlameStack& stack : stacks) {
        sum += stack.weight;
    }
    return sum;
}

std::vector<std::string> names_of(const FlameStack& stack)
{
    std::vector<std::string> names;
    for (const FlameFrame& frame : stack.frames) {
        names.push_back(frame.name);
    }
    return names;
}

TEST(BoundStacks, EqualOnesAreAddedAndTheHeaviestComesFirst)
{
    const auto bound =
        bound_stacks(std::vector{stack_of_names({"p[1]", "b"}, 2), stack_of_names({"p[1]", "a"}, 2),
                                 stack_of_names({"p[1]", "b"}, 3), stack_of_names({"p[1]", "c"}, 2),
                                 stack_of_names({"p[1]", "none"}, 0)});
    ASSERT_EQ(bound.size(), 3U);
    EXPECT_EQ(bound[0].weight, 5U);
    EXPECT_EQ(bound[0].frames[1].name, "b");
    EXPECT_EQ(bound[1].frames[1].name, "a");
    EXPECT_EQ(bound[2].frames[1].name, "c");
}

TEST(BoundStacks, AnotherLineIsAnotherStack)
{
    const auto at_line = [](std::uint32_t line) {
        return stack_of({{.name = "f", .file = "f.c", .line = line}}, 1);
    };
    EXPECT_EQ(bound_stacks(std::vector{at_line(1), at_line(2), at_line(1)}).size(), 2U);
}

TEST(BoundStacks, WhatHasNoNameIsUnknown)
{
    for (const FlameStack& stack :
         {stack_of({}, 4), stack_of_names({""}, 4), stack_of_names({"   "}, 4)}) {
        const auto bound = bound_stacks(std::span(&stack, 1));
        ASSERT_EQ(bound.size(), 1U);
        EXPECT_EQ(names_of(bound[0]), std::vector<std::string>{"[unknown]"});
        EXPECT_EQ(bound[0].weight, 4U);
    }
}

TEST(BoundStacks, ADeepStackLosesItsMiddle)
{
    for (const std::size_t depth : {kMaxFlameDepth, kMaxFlameDepth + 1, std::size_t{10'000}}) {
        std::vector<std::string> names;
        for (std::size_t at = 0; at < depth; ++at) {
            names.push_back("f" + std::to_string(at));
        }
        const auto bound = bound_stacks(std::vector{stack_of_names(names, 1)});
        const auto kept = names_of(bound.at(0));
        ASSERT_EQ(kept.size(), kMaxFlameDepth);
        EXPECT_EQ(kept.front(), names.front());
        EXPECT_EQ(kept.back(), names.back());
        EXPECT_EQ(std::ranges::count(kept, kFramesLeftOut), depth > kMaxFlameDepth ? 1 : 0);
    }
}

TEST(BoundStacks, ALongNameIsCutBetweenCharacters)
{
    for (std::size_t shift = 0; shift < 4; ++shift) {
        std::string text(shift, 'x');
        while (text.size() < 3 * kMaxFlameNameBytes) {
            text += "漢";
        }
        const auto bound = bound_stacks(
            std::vector{stack_of({{.name = text, .file = text + ".c", .line = 3}}, 1)});
        const FlameFrame& frame = bound.at(0).frames.at(0);
        for (const std::string& kept : {frame.name, frame.file}) {
            EXPECT_LE(kept.size(), kMaxFlameNameBytes);
            EXPECT_GT(kept.size(), kMaxFlameNameBytes - 8);
            for (std::string_view rest = kept; !rest.empty();) {
                const Utf8Char next = decode_utf8(rest);
                ASSERT_TRUE(next.valid);
                rest.remove_prefix(next.size);
            }
        }
        EXPECT_TRUE(frame.name.ends_with("…"));
        EXPECT_TRUE(frame.file.starts_with("…") && frame.file.ends_with("漢.c"));
    }
}

TEST(BoundStacks, NamesOfContinuationBytesOnlyAreCutToo)
{
    const std::string bytes(4 * kMaxFlameNameBytes, '\x80');
    const auto bound = bound_stacks(std::vector{stack_of({{.name = bytes, .file = bytes}}, 1)});
    EXPECT_LE(bound.at(0).frames.at(0).name.size(), kMaxFlameNameBytes);
    EXPECT_GT(bound.at(0).frames.at(0).name.size(), kMaxFlameNameBytes - 8);
    EXPECT_GT(bound.at(0).frames.at(0).file.size(), kMaxFlameNameBytes - 8);
}

/// Too many frames, then too much text: the light stacks go, their sockets stay.
TEST(BoundStacks, TheHeaviestHaveTheRoomAndTheSumStays)
{
    struct Case {
        std::size_t stacks;
        std::size_t depth;
        std::size_t name_bytes;
    };
    for (const auto& [stacks, depth, name_bytes] :
         {Case{2'000, 100, 4}, Case{300, 60, 1'000}, Case{70'000, 1, 8}}) {
        std::vector<FlameStack> all;
        for (std::size_t at = 0; at < stacks; ++at) {
            std::string name = std::to_string(at);
            name.resize(name_bytes, 'x');
            all.push_back({.frames = {}, .weight = at + 1});
            all.back().frames.resize(depth, {.name = name + std::to_string(at)});
        }
        const auto bound = bound_stacks(all);
        EXPECT_EQ(sum_of(bound), sum_of(all));
        EXPECT_LT(bound.size(), all.size());
        EXPECT_EQ(bound.front().weight, stacks);
        EXPECT_EQ(bound.back().frames.at(0).name.substr(0, 1), "[");
        EXPECT_TRUE(bound.back().frames.at(0).name.ends_with(" stacks left out]"));
        std::size_t frames = 0;
        std::size_t bytes = 0;
        for (const FlameStack& stack : std::span(bound).first(bound.size() - 1)) {
            frames += stack.frames.size();
            bytes += stack.frames.size() * stack.frames.front().name.size();
        }
        EXPECT_LE(frames, kMaxFlameFrames);
        EXPECT_LE(bytes, kMaxFlameTextBytes);
        EXPECT_TRUE(frames + depth > kMaxFlameFrames ||
                    bytes + depth * (name_bytes + 8) > kMaxFlameTextBytes)
            << "left out although there was room";
    }
}

TEST(BoundStacks, ThreeHundredStacksOfDepthSixtyAreWithinTheBounds)
{
    const auto all = large_sample(300, 60);
    EXPECT_EQ(bound_stacks(all).size(), all.size());
}

TEST(BoundStacks, AbsurdWeightsDoNotOverflow)
{
    const auto most = std::numeric_limits<std::uint64_t>::max();
    const auto bound =
        bound_stacks(std::vector{stack_of_names({"a"}, most), stack_of_names({"b"}, most)});
    EXPECT_EQ(sum_of(bound), 2 * kMaxFlameWeight);
}

} // namespace
} // namespace tcpledger
