// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Stacks merged into one tree of calls: what began alike is one node. Pure; it knows no pixels.
#pragma once

#include "output/flame_graph.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace tcpledger {

struct FlameNode {
    const FlameFrame* frame = nullptr; ///< nullptr: the root, which is all stacks
    std::uint64_t weight = 0;          ///< of all stacks that pass through; its children's at least
    /// Numbers in FlameTree::nodes; the heaviest first, then by frame.
    std::vector<std::uint32_t> children = {};
};

struct FlameTree {
    std::vector<FlameNode> nodes; ///< the first is the root; a child comes after its parent

    [[nodiscard]] const FlameNode& root() const { return nodes.front(); }
};

/// `stacks` are as bound_stacks() gives them and outlive the tree.
[[nodiscard]] FlameTree build_flame_tree(std::span<const FlameStack> stacks);

} // namespace tcpledger
