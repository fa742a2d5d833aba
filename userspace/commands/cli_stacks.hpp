// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The options about opening stacks.
#pragma once

#include "commands/options.hpp"

#include <CLI/App.hpp>

namespace tcpledger {

/// `with_files`: also those that name files for flame graphs.
void add_stacks(CLI::App& command, StacksOptions& options, bool with_files);

} // namespace tcpledger
