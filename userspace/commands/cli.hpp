// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The command line → a command. The only place that knows the option parser.
#pragma once

#include "commands/exit_status.hpp"
#include "commands/options.hpp"

#include <tl/expected.hpp>

namespace tcpledger {

/// The command, or the status to end with: --help and --version said what there was
/// to say, or the usage was wrong and stderr says how.
[[nodiscard]] tl::expected<Command, ExitStatus> parse_command_line(int argc, char** argv);

} // namespace tcpledger
