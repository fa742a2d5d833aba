// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/flame_bounds.hpp"

#include "output/format.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tcpledger {
namespace {

constexpr std::string_view kCut = "…";

bool continues_character(char byte)
{
    return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U;
}

/// A character that the cut would split is left out whole; of bytes that are no UTF-8 no more
/// than one character could have.
std::string beginning_of(std::string_view text)
{
    if (text.size() <= kMaxFlameNameBytes) {
        return std::string(text);
    }
    std::size_t end = kMaxFlameNameBytes - kCut.size();
    for (int back = 0; back < 3 && continues_character(text[end]); ++back) {
        --end;
    }
    return std::string(text.substr(0, end)) += kCut;
}

std::string end_of(std::string_view text)
{
    if (text.size() <= kMaxFlameNameBytes) {
        return std::string(text);
    }
    std::size_t begin = text.size() - (kMaxFlameNameBytes - kCut.size());
    for (int forth = 0; forth < 3 && continues_character(text[begin]); ++forth) {
        ++begin;
    }
    return std::string(kCut).append(text.substr(begin));
}

FlameFrame shortened(const FlameFrame& frame)
{
    const bool is_blank = frame.name.find_first_not_of(' ') == std::string::npos;
    return {.name = is_blank ? std::string(kUnknownFrame) : beginning_of(frame.name),
            .file = end_of(frame.file),
            .line = frame.line};
}

FlameStack shortened(const FlameStack& stack)
{
    FlameStack kept{.frames = {}, .weight = std::min(stack.weight, kMaxFlameWeight)};
    const std::span<const FlameFrame> frames(stack.frames);
    const auto keep = [&kept](std::span<const FlameFrame> part) {
        std::ranges::transform(part, std::back_inserter(kept.frames),
                               [](const FlameFrame& frame) { return shortened(frame); });
    };
    if (frames.empty()) {
        kept.frames.push_back({.name = std::string(kUnknownFrame)});
    } else if (frames.size() <= kMaxFlameDepth) {
        keep(frames);
    } else {
        keep(frames.first(kMaxFlameDepth / 2));
        kept.frames.push_back({.name = std::string(kFramesLeftOut)});
        keep(frames.last(kMaxFlameDepth / 2 - 1));
    }
    return kept;
}

std::size_t text_bytes(const FlameStack& stack)
{
    std::size_t bytes = 0;
    for (const FlameFrame& frame : stack.frames) {
        bytes += frame.name.size() + frame.file.size();
    }
    return bytes;
}

/// How many of the stacks, from the first on, are within the bounds of all together.
std::size_t count_within_bounds(std::span<const FlameStack> stacks)
{
    std::size_t frames = 0;
    std::size_t bytes = 0;
    for (std::size_t at = 0; at < stacks.size(); ++at) {
        frames += stacks[at].frames.size();
        bytes += text_bytes(stacks[at]);
        if (frames > kMaxFlameFrames || bytes > kMaxFlameTextBytes) {
            return at;
        }
    }
    return stacks.size();
}

FlameStack left_out(std::span<const FlameStack> stacks)
{
    FlameStack sum;
    sum.frames.push_back({.name = "[" + format_count(stacks.size()) + " stacks left out]"});
    for (const FlameStack& stack : stacks) {
        sum.weight += stack.weight;
    }
    return sum;
}

bool heavier_first(const FlameStack& left, const FlameStack& right)
{
    return left.weight != right.weight ? left.weight > right.weight : left.frames < right.frames;
}

} // namespace

void merge_equal_neighbours(std::vector<FlameStack>& stacks)
{
    std::vector<FlameStack> merged;
    for (FlameStack& stack : stacks) {
        if (!merged.empty() && merged.back().frames == stack.frames) {
            merged.back().weight += stack.weight;
        } else {
            merged.push_back(std::move(stack));
        }
    }
    stacks = std::move(merged);
}

std::vector<FlameStack> bound_stacks(std::span<const FlameStack> stacks)
{
    std::vector<FlameStack> bound;
    for (const FlameStack& stack : stacks) {
        if (stack.weight > 0) {
            bound.push_back(shortened(stack));
        }
    }
    std::ranges::sort(bound, {}, &FlameStack::frames);
    merge_equal_neighbours(bound);
    std::ranges::sort(bound, heavier_first);
    const std::size_t kept = count_within_bounds(bound);
    if (kept < bound.size()) {
        FlameStack rest = left_out(std::span(bound).subspan(kept));
        bound.resize(kept);
        bound.push_back(std::move(rest));
    }
    return bound;
}

} // namespace tcpledger
