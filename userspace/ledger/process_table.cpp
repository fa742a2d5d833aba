// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger/process_table.hpp"

#include <utility>

namespace tcpledger {
namespace {

/// Strangers' exits that are remembered; beyond, a census tells.
constexpr std::size_t kMostExits = 100'000;

} // namespace

ProcessTable::ProcessTable()
{
    for (const char* name : {"[kernel]", "[unknown]"}) {
        Process process;
        process.comm = name;
        process.in_use = true;
        processes_.push_back(std::move(process));
    }
}

ProcessId ProcessTable::intern(const ProcessFacts& facts)
{
    const auto known = by_key_.find(facts.key);
    const ProcessId id = known != by_key_.end() ? known->second : allocate(facts.key);
    Process& process = processes_[id];
    if (process.comm != facts.comm) {
        process.comm.assign(facts.comm);
    }
    if (facts.cgroup_id != 0) {
        process.cgroup_id = facts.cgroup_id;
    }
    process.uid = facts.uid;
    return id;
}

std::optional<ProcessId> ProcessTable::find(const ProcessKey& key) const
{
    const auto known = by_key_.find(key);
    return known != by_key_.end() ? std::optional(known->second) : std::nullopt;
}

void ProcessTable::note_exit(const ProcessKey& key)
{
    if (const auto known = find(key)) {
        processes_[*known].exited = true;
    } else if (exits_.size() < kMostExits) {
        exits_.insert(key);
    }
}

void ProcessTable::begin_interval()
{
    older_exits_ = std::exchange(exits_, {});
    for (ProcessId id = 0; id < processes_.size(); ++id) {
        Process& process = processes_[id];
        process.opened = 0;
        process.closed = 0;
        if (process.in_use && process.exited && process.connections == 0) {
            by_key_.erase(process.key);
            process = Process{};
            free_.push_back(id);
        }
    }
}

ProcessId ProcessTable::allocate(const ProcessKey& key)
{
    ProcessId id = 0;
    if (free_.empty()) {
        id = static_cast<ProcessId>(processes_.size());
        processes_.emplace_back();
    } else {
        id = free_.back();
        free_.pop_back();
    }
    processes_[id].key = key;
    processes_[id].in_use = true;
    processes_[id].exited = exits_.contains(key) || older_exits_.contains(key);
    by_key_.emplace(key, id);
    return id;
}

} // namespace tcpledger
