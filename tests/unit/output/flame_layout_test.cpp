// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// From stacks to boxes: whatever the stacks, what is above lies within what is below, nothing
// overlaps, and no socket is lost.
#include "output/flame_layout.hpp"

#include "flame_samples.hpp"
#include "output/flame_bounds.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace tcpledger {
namespace {

constexpr std::uint32_t kWidth = 116'800;
constexpr std::uint32_t kLeast = 200;

std::vector<FlameStack> random_stacks(std::mt19937& random)
{
    const auto up_to = [&random](unsigned most) {
        return static_cast<unsigned>(random() % (most + 1));
    };
    std::vector<FlameStack> stacks(up_to(80));
    const unsigned names = 1 + up_to(5);
    for (FlameStack& stack : stacks) {
        stack.weight = up_to(3) == 0 ? random() : up_to(20);
        for (auto depth = up_to(12); depth > 0; --depth) {
            stack.frames.push_back({.name = std::string(1, static_cast<char>('a' + up_to(names)))});
        }
    }
    return stacks;
}

std::uint64_t weight_of(std::span<const FlameStack> stacks)
{
    std::uint64_t sum = 0;
    for (const FlameStack& stack : stacks) {
        sum += stack.weight;
    }
    return sum;
}

void expect_weights_kept(const FlameTree& tree, std::uint64_t total)
{
    EXPECT_EQ(tree.root().weight, total);
    for (const FlameNode& node : tree.nodes) {
        std::uint64_t above = 0;
        std::uint64_t last = node.weight;
        for (const std::uint32_t child : node.children) {
            above += tree.nodes[child].weight;
            EXPECT_LE(tree.nodes[child].weight, last) << "the heaviest is not the first";
            last = tree.nodes[child].weight;
        }
        EXPECT_LE(above, node.weight);
    }
}

/// The box of the row below that `box` stands on; boxes come parents first.
const FlameBox* support_of(std::span<const FlameBox> before, const FlameBox& box)
{
    for (std::size_t at = before.size(); at-- > 0;) {
        if (before[at].row + 1 == box.row) {
            return &before[at];
        }
    }
    return nullptr;
}

void expect_boxes_in_place(const FlameTree& tree, const FlameLayout& layout)
{
    const std::span<const FlameBox> boxes(layout.boxes);
    EXPECT_EQ(boxes.front().width, kWidth);
    std::uint64_t frames = layout.missing_frames;
    std::map<std::uint32_t, std::uint32_t> filled; // row → right end
    std::uint32_t rows = 0;
    for (std::size_t at = 0; at < boxes.size(); ++at) {
        const FlameBox& box = boxes[at];
        EXPECT_GE(box.width, kLeast);
        EXPECT_GE(box.left, filled[box.row]) << "overlaps its neighbour";
        filled[box.row] = box.right();
        frames += box.frames;
        rows = std::max(rows, box.row + 1);
        if (box.row > 0) {
            const FlameBox* below = support_of(boxes.first(at), box);
            ASSERT_NE(below, nullptr);
            EXPECT_GE(box.left, below->left);
            EXPECT_LE(box.right(), below->right());
            EXPECT_LE(box.weight, below->weight);
            EXPECT_EQ(box.is_all_of_parent, box.weight == below->weight);
        }
    }
    EXPECT_EQ(frames, tree.nodes.size()) << "frames neither drawn nor counted";
    EXPECT_EQ(rows, layout.rows);
}

TEST(FlameLayout, OfAnyStacksIsAFlame)
{
    std::mt19937 random(812);
    std::size_t merged = 0;
    for (int round = 0; round < 2'000; ++round) {
        const auto stacks = random_stacks(random);
        const auto bound = bound_stacks(stacks);
        const FlameTree tree = build_flame_tree(bound);
        expect_weights_kept(tree, weight_of(stacks));
        const FlameLayout layout = lay_out(tree, kWidth, kLeast);
        expect_boxes_in_place(tree, layout);
        merged += layout.merged_frames;
    }
    EXPECT_GT(merged, 0U) << "the random stacks are never narrow";
}

TEST(FlameLayout, OfNothingIsTheRootAlone)
{
    const FlameLayout layout = lay_out(build_flame_tree({}), kWidth, kLeast);
    ASSERT_EQ(layout.boxes.size(), 1U);
    EXPECT_EQ(layout.boxes[0].width, kWidth);
    EXPECT_EQ(layout.boxes[0].weight, 0U);
    EXPECT_EQ(layout.rows, 1U);
}

TEST(FlameLayout, WhatBeganAlikeIsOneBox)
{
    const auto bound = bound_stacks(std::vector{stack_of_names({"p", "f", "x"}, 1),
                                                stack_of_names({"p", "f", "y"}, 2),
                                                stack_of_names({"p", "g", "x"}, 5)});
    const FlameTree tree = build_flame_tree(bound);
    const FlameLayout layout = lay_out(tree, 800, 1);
    const auto describe = [&layout](std::size_t at) {
        const FlameBox& box = layout.boxes.at(at);
        return (box.node->frame == nullptr ? "all" : box.node->frame->name) + " " +
               std::to_string(box.row) + " " + std::to_string(box.left) + "+" +
               std::to_string(box.width);
    };
    ASSERT_EQ(layout.boxes.size(), 7U);
    EXPECT_EQ(describe(0), "all 0 0+800");
    EXPECT_EQ(describe(1), "p 1 0+800");
    EXPECT_EQ(describe(2), "g 2 0+500");
    EXPECT_EQ(describe(3), "x 3 0+500");
    EXPECT_EQ(describe(4), "f 2 500+300");
    EXPECT_EQ(describe(5), "y 3 500+200");
    EXPECT_EQ(describe(6), "x 3 700+100");
}

TEST(FlameLayout, NarrowNeighboursAreOneBoxAndALonelyOneIsMissing)
{
    std::vector<FlameStack> stacks = {stack_of_names({"p", "wide"}, 970)};
    for (int at = 0; at < 10; ++at) {
        stacks.push_back(stack_of_names({"p", "narrow" + std::to_string(at), "leaf"}, 3));
    }
    const auto bound = bound_stacks(stacks);
    const FlameTree tree = build_flame_tree(bound);
    const FlameLayout together = lay_out(tree, 1'000, 10);
    EXPECT_EQ(together.merged_frames, 20U);
    EXPECT_EQ(together.missing_frames, 0U);
    const FlameBox& box = together.boxes.back();
    EXPECT_EQ(box.node, nullptr);
    EXPECT_EQ(box.weight, 30U);
    EXPECT_EQ(box.width, 30U);

    const FlameLayout none = lay_out(tree, 1'000, 50);
    EXPECT_EQ(none.merged_frames, 0U);
    EXPECT_EQ(none.missing_frames, 20U);
}

} // namespace
} // namespace tcpledger
