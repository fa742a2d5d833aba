// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the program does when a step has executed it anew: it holds an inherited
// socket until it gets a cue, then closes it and ends.
#pragma once

#include <string>
#include <vector>

namespace scenario {

inline constexpr const char* kHoldArgument = "--hold";

/// `arguments`: --hold, the descriptor of the socket (or -1), the mailbox's.
int hold_after_exec(const std::vector<std::string>& arguments);

} // namespace scenario
