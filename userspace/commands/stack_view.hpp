// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Opening stacks as text and as JSON. Pure.
#pragma once

#include "output/json.hpp"
#include "session/stack_tally.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace tcpledger {

/// Each stack under the number of its sockets, innermost frame first; `head` before the first
/// line ("  opened     "). `without`: sockets whose stack is not known.
[[nodiscard]] std::string render_stacks(std::span<const CountedStack> stacks, std::uint64_t without,
                                        const std::string& head, std::size_t width);

/// Members "stacks" and "without_stack" of the present object.
void write_stacks(JsonWriter& json, std::span<const CountedStack> stacks, std::uint64_t without);

} // namespace tcpledger
