// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What is checked of options in more than one command before they have our types.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace tcpledger {

/// Each says what is wrong with `text`, or nothing.
[[nodiscard]] std::string check_port(const std::string& text);
[[nodiscard]] std::string check_natural(const std::string& text);
[[nodiscard]] std::string check_positive(const std::string& text);

[[nodiscard]] CLI::Validator validator(std::string (*check)(const std::string&), const char* name);

/// Puts seconds in place of what was typed: 100ms to 30 days.
[[nodiscard]] CLI::Validator as_seconds();

} // namespace tcpledger
