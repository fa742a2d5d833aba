// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The command line of `churn`.
#pragma once

#include "commands/options.hpp"

#include <CLI/CLI.hpp>

namespace tcpledger {

/// Adds `churn`; what is common to all commands is added by the caller.
[[nodiscard]] CLI::App& add_churn(CLI::App& app, ChurnOptions& options);

} // namespace tcpledger
