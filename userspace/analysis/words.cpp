// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "analysis/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

namespace tcpledger::words {
namespace {

constexpr std::size_t kNamed = 3;

/// Whether a shell takes it for one plain word.
bool is_plain(std::string_view text)
{
    return !text.empty() && text.front() != '-' && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.';
    });
}

} // namespace

std::string duration(std::chrono::milliseconds time)
{
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
    if (seconds < 120) {
        return fmt::format("{} s", seconds);
    }
    if (seconds < 7200) {
        return fmt::format("{} min", seconds / 60);
    }
    return seconds < 172'800 ? fmt::format("{} h", seconds / 3600)
                             : fmt::format("{} days", seconds / 86'400);
}

std::string count(std::uint64_t number, std::string_view one)
{
    return fmt::format("{} {}{}", number, one, number == 1 ? "" : "s");
}

std::string about(const AuditProcess& process)
{
    std::string text = "; " + process.name();
    if (!process.container.empty()) {
        text += " in container " + process.container;
    }
    if (process.running_for) {
        text += ", up " + duration(*process.running_for);
    }
    if (process.descriptors_used && process.descriptor_limit) {
        text += fmt::format(", {} of {} descriptors", *process.descriptors_used,
                            *process.descriptor_limit);
    }
    return text;
}

std::string about(const AuditNetns& netns)
{
    return netns.name.empty() ? fmt::format("netns {}", netns.inum)
                              : fmt::format("netns {} ({})", netns.name, netns.inum);
}

std::string most(const std::map<std::string, std::uint64_t>& counts)
{
    std::vector<std::pair<std::string, std::uint64_t>> sorted(counts.begin(), counts.end());
    std::ranges::stable_sort(sorted, std::ranges::greater(),
                             &std::pair<std::string, std::uint64_t>::second);
    std::string text;
    for (std::size_t at = 0; at < std::min(kNamed, sorted.size()); ++at) {
        text += fmt::format("{}{} ({})", at == 0 ? "" : ", ", sorted[at].first, sorted[at].second);
    }
    if (sorted.size() > kNamed) {
        text += fmt::format(", {} more", sorted.size() - kNamed);
    }
    return text;
}

Peers::Peers(const AuditFacts& facts)
{
    for (const AuditSocket& socket : facts.sockets) {
        if (!socket.udp && socket.state == TcpState::kListen) {
            listening_.emplace(socket.netns, socket.tuple.local.port);
        }
    }
}

std::string Peers::of(const AuditSocket& socket) const
{
    const Endpoint& remote = socket.tuple.remote;
    return listening_.contains({socket.netns, socket.tuple.local.port}) ? remote.address.text()
                                                                        : remote.text();
}

std::string run_in(const AuditNetns& netns, const std::string& command)
{
    if (netns.own) {
        return command;
    }
    if (is_plain(netns.name)) {
        return fmt::format("ip netns exec {} {}", netns.name, command);
    }
    return netns.pid != 0 ? fmt::format("nsenter -t {} -n {}", netns.pid, command) : command;
}

Advice act(std::string action, std::string why, std::string risk, std::string command)
{
    Advice advice;
    advice.action = std::move(action);
    advice.why = std::move(why);
    advice.risk = std::move(risk);
    advice.command = std::move(command);
    return advice;
}

Advice set_sysctl(const AuditNetns& netns, const std::string& sysctl, const std::string& proposed,
                  std::string why, std::string risk)
{
    Advice advice;
    advice.action = "set " + sysctl;
    advice.sysctl = sysctl;
    if (const auto present = netns.sysctls.find(sysctl); present != netns.sysctls.end()) {
        advice.present = present->second;
        std::ranges::replace(advice.present, '\t', ' ');
    }
    advice.proposed = proposed;
    advice.why = std::move(why);
    advice.risk = std::move(risk);
    const bool quoted = proposed.find(' ') != std::string::npos;
    advice.command = run_in(netns, quoted ? fmt::format("sysctl -w {}=\"{}\"", sysctl, proposed)
                                          : fmt::format("sysctl -w {}={}", sysctl, proposed));
    return advice;
}

std::uint64_t round_up(std::uint64_t number) noexcept
{
    constexpr std::uint64_t kGreatest = std::uint64_t{1} << 40U;
    return std::bit_ceil(std::min(number, kGreatest));
}

} // namespace tcpledger::words
