// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/container_names.hpp"

#include "procfs/containers.hpp"

#include <cstddef>

namespace tcpledger {
namespace {

constexpr std::size_t kMaxRemembered = 10'000;

} // namespace

const std::string& ContainerNames::of(const ProcessKey& process)
{
    static const std::string kNone;
    if (process.pid == 0) {
        return kNone;
    }
    const auto known = names_.find(process);
    if (known != names_.end()) {
        return known->second;
    }
    if (names_.size() >= kMaxRemembered) {
        names_.clear();
    }
    const Expected<ProcessStat> stat = proc_.stat(process.pid);
    const bool same = stat && stat->start_ticks == process.start_ticks;
    const Expected<std::string> cgroup =
        same ? proc_.cgroup(process.pid) : Expected<std::string>(std::string());
    return names_[process] = cgroup ? container_of_cgroup(*cgroup).value_or("") : "";
}

} // namespace tcpledger
