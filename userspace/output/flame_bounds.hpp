// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Keeps what is drawn of stacks within bounds, whatever a traced program put into its names and
// however deep it recursed. What is left out is replaced by a frame that says so, never dropped:
// the sum of the weights stays.
#pragma once

#include "output/flame_graph.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tcpledger {

/// Frames of one stack; of a deeper one the middle is left out.
inline constexpr std::size_t kMaxFlameDepth = 128;
/// Bytes of a name, and of a file's; of longer ones the beginning is kept, of a file's the end.
inline constexpr std::size_t kMaxFlameNameBytes = 1024;
/// Frames and bytes of text in all stacks together; the heaviest stacks have them.
inline constexpr std::size_t kMaxFlameFrames = 65'536;
inline constexpr std::size_t kMaxFlameTextBytes = std::size_t{8} << 20U;
/// Sockets of one stack given; more count as so many, so that no sum overflows.
inline constexpr std::uint64_t kMaxFlameWeight = std::uint64_t{1} << 40U;

inline constexpr std::string_view kUnknownFrame = "[unknown]";
inline constexpr std::string_view kFramesLeftOut = "[frames left out]";

/// The distinct stacks, equal ones added up, those without weight dropped; the heaviest first,
/// then by their frames. No stack is empty and no name blank: such are "[unknown]". Stacks beyond
/// the bounds are one, "[12 stacks left out]", at the end.
[[nodiscard]] std::vector<FlameStack> bound_stacks(std::span<const FlameStack> stacks);

/// Adds up neighbours with the same frames.
void merge_equal_neighbours(std::vector<FlameStack>& stacks);

} // namespace tcpledger
