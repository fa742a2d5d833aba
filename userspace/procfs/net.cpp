// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/net.hpp"

#include "procfs/files.hpp"
#include "procfs/text.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>

namespace tcpledger {
namespace {

using procfs::parse_number;
using procfs::take_until;
using procfs::take_word;

constexpr std::size_t kSockstatBytes = std::size_t{16} * 1024;
constexpr std::size_t kCountersBytes = std::size_t{256} * 1024;
constexpr std::size_t kSysctlBytes = std::size_t{64} * 1024;

/// Calls take(name, value) for each "name value" pair of the line that starts with `label`. A line
/// without an end was cut, and so may its last number be.
template <typename Take>
void each_pair(std::string_view text, std::string_view label, const Take& take)
{
    while (!text.empty()) {
        const bool cut = text.find('\n') == std::string_view::npos;
        std::string_view line = take_until(text, '\n');
        if (take_word(line) != label) {
            continue;
        }
        while (!line.empty()) {
            const std::string_view name = take_word(line);
            const auto value = parse_number<std::uint64_t>(take_word(line));
            take(name, cut && line.empty() ? std::nullopt : value);
        }
    }
}

bool could_be_sysctl(std::string_view name)
{
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.';
    };
    return !name.empty() && name.front() != '.' && name.back() != '.' &&
           std::all_of(name.begin(), name.end(), plain);
}

Error not_a_number(std::string_view name)
{
    return Error{ErrorKind::kFailed, EBADMSG, "cannot understand sysctl " + std::string(name), {}};
}

} // namespace

SocketTotals parse_sockstat(std::string_view sockstat, std::string_view sockstat6)
{
    SocketTotals totals;
    each_pair(sockstat, "TCP:", [&](std::string_view name, std::optional<std::uint64_t> value) {
        if (name == "inuse") {
            totals.tcp_in_use = value;
        } else if (name == "orphan") {
            totals.orphans = value;
        } else if (name == "tw") {
            totals.time_wait = value;
        } else if (name == "alloc") {
            totals.allocated = value;
        } else if (name == "mem") {
            totals.memory_pages = value;
        }
    });
    each_pair(sockstat6, "TCP6:", [&](std::string_view name, std::optional<std::uint64_t> value) {
        if (name == "inuse") {
            totals.tcp6_in_use = value;
        }
    });
    return totals;
}

Expected<SocketTotals> read_socket_totals(const std::filesystem::path& net_directory)
{
    const auto sockstat = procfs::read_file(net_directory / "sockstat", kSockstatBytes);
    if (!sockstat) {
        return tl::unexpected(sockstat.error());
    }
    const auto sockstat6 = procfs::read_file(net_directory / "sockstat6", kSockstatBytes);
    return parse_sockstat(*sockstat, sockstat6.value_or(std::string()));
}

void NetCounters::add(std::string_view text)
{
    while (!text.empty()) {
        std::string_view names = take_until(text, '\n');
        std::string_view after = text;
        std::string_view numbers = take_until(after, '\n');
        const std::string_view group = take_word(names);
        if (!group.ends_with(':') || take_word(numbers) != group) {
            continue;
        }
        // A last line without its end was cut: its last number may be.
        const bool cut = after.empty() && !text.ends_with('\n');
        text = after;
        while (true) {
            const std::string_view name = take_word(names);
            const auto number = parse_number<std::int64_t>(take_word(numbers));
            if (name.empty() || (cut && numbers.empty())) {
                break;
            }
            if (number) {
                values_.insert_or_assign(std::string(group) + std::string(name), *number);
            }
        }
    }
}

std::optional<std::int64_t> NetCounters::value(std::string_view group, std::string_view name) const
{
    const auto found = values_.find(std::string(group) + ":" + std::string(name));
    return found == values_.end() ? std::nullopt : std::optional(found->second);
}

Expected<NetCounters> read_net_counters(const std::filesystem::path& net_directory)
{
    NetCounters counters;
    for (const char* const name : {"netstat", "snmp"}) {
        const auto text = procfs::read_file(net_directory / name, kCountersBytes);
        if (!text) {
            return tl::unexpected(text.error());
        }
        counters.add(*text);
    }
    return counters;
}

std::optional<std::vector<std::int64_t>> parse_sysctl_numbers(std::string_view text)
{
    std::vector<std::int64_t> numbers;
    for (std::string_view word = take_word(text); !word.empty(); word = take_word(text)) {
        if (const auto number = parse_number<std::int64_t>(word)) {
            numbers.push_back(*number);
        } else if (parse_number<std::uint64_t>(word)) {
            numbers.push_back(std::numeric_limits<std::int64_t>::max());
        } else {
            return std::nullopt;
        }
    }
    return numbers.empty() ? std::nullopt : std::optional(std::move(numbers));
}

Expected<std::string> Sysctls::text(std::string_view name) const
{
    if (!could_be_sysctl(name)) {
        return tl::unexpected(
            Error{ErrorKind::kFailed, EINVAL, "cannot read sysctl " + std::string(name), {}});
    }
    std::string path(name);
    std::replace(path.begin(), path.end(), '.', '/');
    return procfs::read_file(root_ / "sys" / path, kSysctlBytes).map([](std::string text) {
        while (text.ends_with('\n')) {
            text.pop_back();
        }
        return text;
    });
}

Expected<std::int64_t> Sysctls::number(std::string_view name) const
{
    return numbers(name).and_then(
        [&](const std::vector<std::int64_t>& all) -> Expected<std::int64_t> {
            if (all.size() != 1) {
                return tl::unexpected(not_a_number(name));
            }
            return all.front();
        });
}

Expected<std::vector<std::int64_t>> Sysctls::numbers(std::string_view name) const
{
    return text(name).and_then([&](const std::string& text) -> Expected<std::vector<std::int64_t>> {
        auto numbers = parse_sysctl_numbers(text);
        if (!numbers) {
            return tl::unexpected(not_a_number(name));
        }
        return *std::move(numbers);
    });
}

Expected<FileTotals> read_file_totals(const Sysctls& sysctls)
{
    constexpr std::string_view kName = "fs.file-nr"; // allocated, free (always 0), greatest
    return sysctls.numbers(kName).and_then(
        [&](const std::vector<std::int64_t>& all) -> Expected<FileTotals> {
            if (all.size() != 3 || all[0] < 0 || all[2] < 0) {
                return tl::unexpected(not_a_number(kName));
            }
            return FileTotals{static_cast<std::uint64_t>(all[0]),
                              static_cast<std::uint64_t>(all[2])};
        });
}

} // namespace tcpledger
