// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The columns that `top` can be sorted by. Pure.
#pragma once

#include "ledger/overview.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tcpledger {

/// "total", "pid", "comm", "opened", "closed", "oldest", and each state's name.
[[nodiscard]] std::vector<std::string> sort_column_names();
/// In any case; states in either spelling.
[[nodiscard]] bool is_sort_column(std::string_view name);

/// Largest first (pid and comm: smallest first); equal rows by total, then by pid.
void sort_processes(std::vector<ProcessOverview>& processes, std::string_view column);

} // namespace tcpledger
