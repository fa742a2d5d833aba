// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/top_columns.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <tuple>

namespace tcpledger {
namespace {

constexpr std::array<std::string_view, 6> kFixedColumns = {"total",  "pid",    "comm",
                                                           "opened", "closed", "oldest"};

std::string lower(std::string_view text)
{
    std::string result(text);
    std::ranges::transform(result, result.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

std::uint32_t pid_of(const ProcessOverview& row)
{
    return row.key ? row.key->pid : 0;
}

/// What a row is sorted by, the larger the earlier.
std::uint64_t weight(const ProcessOverview& row, const std::string& column)
{
    if (column == "opened") {
        return row.opened;
    }
    if (column == "closed") {
        return row.closed;
    }
    if (column == "oldest") {
        return row.oldest_close_wait
                   ? static_cast<std::uint64_t>(row.oldest_close_wait->count()) + 1
                   : 0;
    }
    if (const auto state = parse_state(column)) {
        return row.states[static_cast<std::size_t>(*state)];
    }
    return row.connections;
}

} // namespace

std::vector<std::string> sort_column_names()
{
    std::vector<std::string> names(kFixedColumns.begin(), kFixedColumns.end());
    for (const TcpState state : kShownStates) {
        names.emplace_back(state_name(state));
    }
    return names;
}

bool is_sort_column(std::string_view name)
{
    return std::ranges::find(kFixedColumns, lower(name)) != kFixedColumns.end() ||
           parse_state(name).has_value();
}

void sort_processes(std::vector<ProcessOverview>& processes, std::string_view column)
{
    const std::string name = lower(column);
    std::ranges::sort(processes, [&](const ProcessOverview& left, const ProcessOverview& right) {
        if (name == "pid") {
            return pid_of(left) < pid_of(right);
        }
        if (name == "comm" && left.comm != right.comm) {
            return left.comm < right.comm;
        }
        return std::tuple(weight(right, name), right.connections, pid_of(left)) <
               std::tuple(weight(left, name), left.connections, pid_of(right));
    });
}

} // namespace tcpledger
