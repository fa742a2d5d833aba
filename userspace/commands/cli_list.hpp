// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The command line of `list`, and how the words of a filter are taken from any command's.
#pragma once

#include "commands/options.hpp"

#include <CLI/App.hpp>

#include <string>
#include <vector>

namespace tcpledger {

/// Adds `list` with ss's letters; what is common to all commands is added by the caller.
[[nodiscard]] CLI::App& add_list(CLI::App& app, ListOptions& options);

/// Lets a command take the words of a filter after and between its options.
void take_filter_words(CLI::App& command);
/// Those words, after parsing. Throws CLI::ExtrasError for one that looks like an option: call
/// it where CLI11's errors are caught.
[[nodiscard]] std::vector<std::string> filter_words(const CLI::App& command);

} // namespace tcpledger
