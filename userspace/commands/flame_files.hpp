// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The files that are written of the suspects' stacks: folded lines, speedscope's JSON, a flame
// graph.
#pragma once

#include "base/error.hpp"
#include "commands/leaks_view.hpp"
#include "commands/options.hpp"
#include "output/flame_graph.hpp"

#include <vector>

namespace tcpledger {

/// One for each stack of each suspect, weighted by its open sockets; the process is outermost.
/// Sockets whose stack is not known are one frame that says so.
[[nodiscard]] std::vector<FlameStack> flame_stacks(const LeaksReport& report);

/// Writes what `options` ask for; each file is whole or as it was.
[[nodiscard]] Expected<void> write_flame_files(const StacksOptions& options,
                                               const LeaksReport& report);

} // namespace tcpledger
