// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The connection books of one command as text and as JSON, and what of them is a finding. Pure.
#pragma once

#include "analysis/exec_book.hpp"
#include "output/json.hpp"
#include "session/stack_tally.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tcpledger {

struct ExecReport {
    const ExecBook& book;
    std::vector<std::string> command; ///< raw bytes
    int status = 0;                   ///< the command's
    std::chrono::nanoseconds took{};
    std::uint64_t lost = 0;
    std::vector<CountedStack> stacks; ///< with which the unclosed were opened
    std::uint64_t without_stack = 0;
};

/// How many there are of what `--fail-on` names: "unclosed", "leak", "failed", or a word for a
/// failure ("refused", "timeout", …).
[[nodiscard]] std::uint64_t count_of(const ExecFigures& figures, std::string_view what);

/// All that `--fail-on` may name.
[[nodiscard]] std::vector<std::string> exec_findings();

[[nodiscard]] std::string render_text(const ExecReport& report);
void write_json(JsonWriter& json, const ExecReport& report);

} // namespace tcpledger
