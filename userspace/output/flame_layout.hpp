// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Where each node of a tree of calls is drawn: rows and widths, in hundredths of a pixel, which
// SVG takes exactly. Pure; it knows no text and no colour.
#pragma once

#include "output/flame_tree.hpp"

#include <cstdint>
#include <vector>

namespace tcpledger {

/// Of one node, or of neighbours with one parent that are too narrow for boxes of their own.
struct FlameBox {
    const FlameNode* node = nullptr; ///< nullptr: narrow ones together
    std::uint32_t row = 0;           ///< 0: the root's
    std::uint32_t left = 0;          ///< hundredths of a pixel from the picture's left, as `width`
    std::uint32_t width = 0;
    std::uint64_t weight = 0;
    std::uint64_t frames = 1;      ///< nodes it stands for, with all above them when narrow
    bool is_all_of_parent = false; ///< nothing of the parent is elsewhere

    [[nodiscard]] std::uint32_t right() const { return left + width; }
};

struct FlameLayout {
    std::vector<FlameBox> boxes; ///< a parent's before its children's, which lie within it
    std::uint32_t rows = 1;
    std::uint64_t merged_frames = 0;  ///< that narrow boxes stand for
    std::uint64_t missing_frames = 0; ///< too narrow even together
};

/// `width` for the root; boxes narrower than `least` are merged, or missing.
[[nodiscard]] FlameLayout lay_out(const FlameTree& tree, std::uint32_t width, std::uint32_t least);

} // namespace tcpledger
