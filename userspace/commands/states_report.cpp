// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/states_report.hpp"

#include "procfs/clock.hpp"

#include <algorithm>
#include <utility>

namespace tcpledger {
namespace {

std::uint64_t sum(const StateCounts& counts)
{
    std::uint64_t total = 0;
    for (const TcpState state : kShownStates) {
        total += counts[static_cast<std::size_t>(state)];
    }
    return total;
}

GroupKey key_of_process(const CensusHolder* process)
{
    if (process == nullptr) {
        return {"[unknown]", std::nullopt, 0, false};
    }
    GroupKey key;
    key.name = process->comm();
    if (process->pid != 0) {
        key.number = process->pid;
        key.start_ticks = process->start_ticks;
    }
    return key;
}

/// TIME_WAIT and half-open connections have no uid any more, or not yet.
bool has_uid(const SocketRow& row)
{
    return row.inode != 0 || row.uid != 0;
}

} // namespace

GroupKey StatesCounter::key_of(const ListedSocket& socket, bool served)
{
    const FourTuple& tuple = socket.row.tuple;
    switch (by_) {
    case Grouping::kNone:
        break;
    case Grouping::kProcess:
        return key_of_process(socket.owner.process);
    case Grouping::kNetns:
        return {"", tuple.netns_inum, 0, false};
    case Grouping::kRemote:
        return {tuple.remote.port != 0 ? tuple.remote.address.text() : std::string(kNoName),
                std::nullopt, 0, false};
    case Grouping::kPort: {
        const bool remote = !served && tuple.remote.port != 0;
        return {"", remote ? tuple.remote.port : tuple.local.port, 0, remote};
    }
    case Grouping::kContainer: {
        const std::string_view name =
            socket.owner.process != nullptr ? containers_.of(*socket.owner.process) : "";
        return {std::string(name.empty() ? kNoName : name), std::nullopt, 0, false};
    }
    case Grouping::kUser:
        return {"",
                has_uid(socket.row) ? std::optional<std::uint64_t>(socket.row.uid) : std::nullopt,
                0, false};
    }
    return {};
}

void StatesCounter::add(const ListedSocket& socket, bool served)
{
    const auto slot = static_cast<std::size_t>(shown_state(socket.row.state));
    ++states_[slot];
    if (by_ != Grouping::kNone) {
        ++groups_[key_of(socket, served)][slot];
    }
}

StatesReport StatesCounter::report(std::optional<std::size_t> limit) const
{
    StatesReport report;
    report.states = states_;
    report.total = sum(states_);
    for (const auto& [key, states] : groups_) {
        report.groups.push_back({key, sum(states), states, {}, std::nullopt});
    }
    std::ranges::stable_sort(report.groups, std::ranges::greater(), &StateGroup::total);
    if (limit && report.groups.size() > *limit) {
        report.groups.resize(*limit);
    }
    return report;
}

void describe_processes(StatesReport& report)
{
    const ProcFs proc;
    const auto now = boottime_now();
    for (StateGroup& group : report.groups) {
        if (!group.key.number) {
            continue;
        }
        const auto pid = static_cast<std::uint32_t>(*group.key.number);
        const auto stat = proc.stat(pid);
        if (!stat || stat->start_ticks != group.key.start_ticks) {
            continue;
        }
        group.command_line = proc.command_line(pid).value_or(std::string());
        group.uptime = now - ticks_to_boottime(stat->start_ticks, user_hz());
    }
}

} // namespace tcpledger
