// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How many sockets were opened with which stack.
#pragma once

#include "base/stack.hpp"
#include "session/stack_desk.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

namespace tcpledger {

struct StackTally {
    std::map<StackId, std::uint64_t> counts;
    std::uint64_t without = 0; ///< sockets whose stack was not taken
};

/// Of the sockets with these cookies; has their stacks named.
[[nodiscard]] StackTally tally_stacks(StackDesk& desk, std::span<const std::uint64_t> cookies);

struct CountedStack {
    std::uint64_t count = 0;
    Stack stack;
};

/// Those that read alike together, the most frequent first. What is not named yet has no frames.
[[nodiscard]] std::vector<CountedStack> named_stacks(const StackDesk& desk,
                                                     const StackTally& tally);

/// Adds a stack to those that are there already.
void add_stack(std::vector<CountedStack>& stacks, const Stack& stack, std::uint64_t count);

} // namespace tcpledger
