// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/process_text.hpp"

#include "procfs/text.hpp"

#include <algorithm>

namespace tcpledger::procfs {
namespace {

/// Of stat's fields, counted from 1 as in proc_pid_stat(5); the third is the first after the comm.
constexpr int kStateField = 3;
constexpr int kParentField = 4;
constexpr int kStartTimeField = 22;

std::optional<std::uint64_t> parse_limit(std::string_view word)
{
    return word == "unlimited" ? std::optional(kUnlimited) : parse_number<std::uint64_t>(word);
}

} // namespace

std::optional<ProcessStat> parse_stat(std::string_view text)
{
    const std::size_t open = text.find('(');
    const std::size_t close = text.rfind(')');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
        return std::nullopt;
    }
    std::string_view before = text.substr(0, open);
    const auto pid = parse_number<std::uint32_t>(take_word(before));
    std::string_view rest = text.substr(close + 1);
    const std::string_view state = take_word(rest);
    const auto parent = parse_number<std::uint32_t>(take_word(rest));
    for (int field = kParentField + 1; field < kStartTimeField; ++field) {
        static_cast<void>(take_word(rest));
    }
    const auto start_ticks = parse_number<std::uint64_t>(take_word(rest));
    // A cut file could end in the middle of the number: a blank must follow it.
    if (!pid || state.size() != 1 || !parent || !start_ticks || rest.empty()) {
        return std::nullopt;
    }
    static_assert(kParentField == kStateField + 1);
    return ProcessStat{*pid, *parent, *start_ticks,
                       std::string(text.substr(open + 1, close - open - 1)), state.front()};
}

std::string join_command_line(std::string text)
{
    const std::size_t last = text.find_last_not_of('\0');
    text.resize(last == std::string::npos ? 0 : last + 1);
    std::replace(text.begin(), text.end(), '\0', ' ');
    return text;
}

std::string parse_cgroup(std::string_view text)
{
    constexpr std::string_view kDeleted = " (deleted)"; // of a zombie whose cgroup was removed
    std::string_view contained;
    std::string_view unified;
    std::string_view systemd;
    std::string_view longest;
    while (!text.empty()) {
        std::string_view path = take_until(text, '\n');
        const std::string_view hierarchy = take_until(path, ':');
        const std::string_view controllers = take_until(path, ':');
        if (path.ends_with(kDeleted)) {
            path.remove_suffix(kDeleted.size());
        }
        if (!path.starts_with('/')) {
            continue;
        }
        if (contained.empty() && container_of_cgroup(path)) {
            contained = path;
        }
        if (hierarchy == "0" && controllers.empty()) {
            unified = path;
        } else if (controllers == "name=systemd") {
            systemd = path;
        }
        longest = path.size() > longest.size() ? path : longest;
    }
    for (const std::string_view candidate : {contained, unified, systemd}) {
        if (candidate.size() > 1) {
            return std::string(candidate);
        }
    }
    return std::string(longest);
}

std::optional<DescriptorLimits> parse_limits(std::string_view text)
{
    constexpr std::string_view kRow = "Max open files ";
    while (!text.empty()) {
        std::string_view line = take_until(text, '\n');
        if (!line.starts_with(kRow)) {
            continue;
        }
        line.remove_prefix(kRow.size());
        const auto soft = parse_limit(take_word(line));
        const auto hard = parse_limit(take_word(line));
        if (!soft || !hard || line.empty()) { // as in stat, a blank must follow
            return std::nullopt;
        }
        return DescriptorLimits{*soft, *hard};
    }
    return std::nullopt;
}

std::optional<std::uint32_t> parse_real_uid(std::string_view text)
{
    while (!text.empty()) {
        std::string_view line = take_until(text, '\n');
        if (take_until(line, ':') == "Uid") {
            const auto uid = parse_number<std::uint32_t>(take_word(line));
            return line.empty() ? std::nullopt : uid;
        }
    }
    return std::nullopt;
}

} // namespace tcpledger::procfs
