// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/flame_tree.hpp"

#include <algorithm>
#include <cstddef>

namespace tcpledger {
namespace {

/// Takes stacks in the order of their frames, so that what a stack has in common with any earlier
/// one it has in common with the last: no child is ever searched for.
class TreeBuilder {
public:
    TreeBuilder() { tree_.nodes.emplace_back(); }

    void add(const FlameStack& stack)
    {
        const std::size_t common = common_depth(stack.frames);
        path_.resize(common + 1);
        for (std::size_t at = common; at < stack.frames.size(); ++at) {
            path_.push_back(add_child(path_.back(), stack.frames[at]));
        }
        for (const std::uint32_t number : path_) {
            tree_.nodes[number].weight += stack.weight;
        }
    }

    FlameTree take() &&
    {
        for (FlameNode& node : tree_.nodes) {
            std::ranges::stable_sort(
                node.children, std::ranges::greater(),
                [this](std::uint32_t child) { return tree_.nodes[child].weight; });
        }
        return std::move(tree_);
    }

private:
    [[nodiscard]] std::size_t common_depth(std::span<const FlameFrame> frames) const
    {
        const std::size_t limit = std::min(frames.size(), path_.size() - 1);
        std::size_t depth = 0;
        while (depth < limit && *tree_.nodes[path_[depth + 1]].frame == frames[depth]) {
            ++depth;
        }
        return depth;
    }

    std::uint32_t add_child(std::uint32_t parent, const FlameFrame& frame)
    {
        const auto number = static_cast<std::uint32_t>(tree_.nodes.size());
        tree_.nodes.push_back({.frame = &frame});
        tree_.nodes[parent].children.push_back(number);
        return number;
    }

    FlameTree tree_;
    std::vector<std::uint32_t> path_ = {0}; ///< of the last stack, from the root on
};

} // namespace

FlameTree build_flame_tree(std::span<const FlameStack> stacks)
{
    std::vector<const FlameStack*> in_order;
    in_order.reserve(stacks.size());
    for (const FlameStack& stack : stacks) {
        in_order.push_back(&stack);
    }
    std::ranges::sort(in_order, [](const FlameStack* left, const FlameStack* right) {
        return left->frames < right->frames;
    });
    TreeBuilder builder;
    for (const FlameStack* stack : in_order) {
        builder.add(*stack);
    }
    return std::move(builder).take();
}

} // namespace tcpledger
