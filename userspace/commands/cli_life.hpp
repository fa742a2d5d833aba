// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The command line of `life`, and bcc's letters, which it shares with `trace`.
#pragma once

#include "commands/options.hpp"

#include <CLI/CLI.hpp>

namespace tcpledger {

/// Adds `life`; what is common to all commands and `trace`'s letters are added by the caller.
[[nodiscard]] CLI::App& add_life(CLI::App& app, LifeOptions& options);

/// bcc's letters and what ends the stream; `duration_s` takes --duration.
void add_trace_letters(CLI::App& command, TraceOptions& options, double& duration_s);

/// --follow, of `trace` alone.
void add_follow(CLI::App& command, TraceOptions& options);

} // namespace tcpledger
