// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/flame_layout.hpp"

#include <algorithm>
#include <span>

namespace tcpledger {
namespace {

class LayoutMaker {
public:
    LayoutMaker(const FlameTree& tree, std::uint32_t width, std::uint32_t least)
        : tree_(tree), width_(width), least_(least)
    {
    }

    FlameLayout make() &&
    {
        const FlameNode& root = tree_.root();
        layout_.boxes.push_back({.node = &root, .width = width_, .weight = root.weight});
        place_children(root, 1, 0);
        return std::move(layout_);
    }

private:
    using Numbers = std::span<const std::uint32_t>;

    /// Rises with `weight`, and is the same wherever the same stacks end: so what is above never
    /// sticks out.
    [[nodiscard]] std::uint32_t position(std::uint64_t weight) const
    {
        const double share = static_cast<double>(weight) / static_cast<double>(tree_.root().weight);
        return static_cast<std::uint32_t>(share * width_);
    }

    [[nodiscard]] FlameBox box(std::uint32_t row, std::uint64_t offset, std::uint64_t weight) const
    {
        const std::uint32_t left = position(offset);
        return {
            .row = row, .left = left, .width = position(offset + weight) - left, .weight = weight};
    }

    /// `offset`: the weight of what is left of them in the whole row. Depth is bounded by
    /// kMaxFlameDepth.
    void place_children(const FlameNode& parent, std::uint32_t row, std::uint64_t offset)
    {
        const Numbers children(parent.children);
        for (std::size_t at = 0; at < children.size(); ++at) {
            const FlameNode& child = tree_.nodes[children[at]];
            FlameBox place = box(row, offset, child.weight);
            if (place.width < least_) {
                place_narrow(parent, children.subspan(at), row, offset);
                return; // those after it are no heavier
            }
            place.node = &child;
            place.is_all_of_parent = child.weight == parent.weight;
            add(place);
            place_children(child, row + 1, offset);
            offset += child.weight;
        }
    }

    void place_narrow(const FlameNode& parent, Numbers narrow, std::uint32_t row,
                      std::uint64_t offset)
    {
        std::uint64_t weight = 0;
        std::uint64_t frames = 0;
        for (const std::uint32_t number : narrow) {
            weight += tree_.nodes[number].weight;
            frames += count_frames(tree_.nodes[number]);
        }
        FlameBox place = box(row, offset, weight);
        if (place.width < least_) {
            layout_.missing_frames += frames;
            return;
        }
        place.frames = frames;
        place.is_all_of_parent = weight == parent.weight;
        layout_.merged_frames += frames;
        add(place);
    }

    [[nodiscard]] std::uint64_t count_frames(const FlameNode& node) const
    {
        std::uint64_t frames = 1;
        for (const std::uint32_t child : node.children) {
            frames += count_frames(tree_.nodes[child]);
        }
        return frames;
    }

    void add(const FlameBox& place)
    {
        layout_.boxes.push_back(place);
        layout_.rows = std::max(layout_.rows, place.row + 1);
    }

    const FlameTree& tree_;
    std::uint32_t width_;
    std::uint32_t least_;
    FlameLayout layout_;
};

} // namespace

FlameLayout lay_out(const FlameTree& tree, std::uint32_t width, std::uint32_t least)
{
    return LayoutMaker(tree, width, least).make();
}

} // namespace tcpledger
