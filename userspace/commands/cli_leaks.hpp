// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The command line of `leaks`.
#pragma once

#include "commands/options.hpp"

#include <CLI/App.hpp>

#include <string>

namespace tcpledger {

/// As typed, alive while CLI11 parses.
struct TypedLeaks {
    LeaksOptions options;
    std::string fail_on;
    double duration_s = 60.0;

    /// After parsing; all but what is common and the filter's words.
    [[nodiscard]] LeaksOptions finished() const;
};

/// Adds `leaks`; what is common to all commands that trace is added by the caller.
[[nodiscard]] CLI::App& add_leaks(CLI::App& app, TypedLeaks& typed);

} // namespace tcpledger
