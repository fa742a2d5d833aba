// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Functions, files and lines of addresses by libdw. Internal to stacks/.
#pragma once

#include "base/stack.hpp"
#include "stacks/dwfl_modules.hpp"

#include <cstdint>
#include <vector>

namespace tcpledger {

/// The frames at an address in a module: those that were inlined there first, innermost first; at
/// least one, which may have no name.
[[nodiscard]] std::vector<StackFrame> frames_at(DwflModules& modules, Dwfl_Module* module,
                                                std::uint64_t address);

} // namespace tcpledger
