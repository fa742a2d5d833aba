// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The stack helper: a process of its own that reads other programs' files, for these may be made
// to crash or to hang who reads them. It is handed every file it sees, can open none, and answers
// on one socket.
#pragma once

#include "stacks/channel.hpp"

namespace tcpledger {

/// The argument that makes tcpledger the helper of the one that started it, and the descriptor of
/// its socket.
inline constexpr const char* kStackHelperWord = "stack-helper";
inline constexpr int kStackHelperFd = 3;

/// Answers until the other end closes. Does not sandbox.
void serve_stacks(const Channel& channel);

/// The whole life of the helper's process: its exit status. The socket must be kStackHelperFd.
[[nodiscard]] int run_stack_helper();

} // namespace tcpledger
