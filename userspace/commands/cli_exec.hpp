// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The command line of `exec`, whose end is another's.
#pragma once

#include "commands/options.hpp"

#include <CLI/App.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace tcpledger {

/// Adds `exec`; what is common to all commands that trace is added by the caller.
[[nodiscard]] CLI::App& add_exec(CLI::App& app, ExecOptions& options);

/// How many of the words are ours: all, but of `exec` those before "--".
[[nodiscard]] std::size_t own_words(std::span<const char* const> words);

/// The words behind "--". Throws CLI::ParseError where there are none, or words before that are no
/// options: call it, after parsing, where CLI11's errors are caught.
[[nodiscard]] std::vector<std::string> command_behind(const CLI::App& exec,
                                                      std::span<const char* const> words);

} // namespace tcpledger
