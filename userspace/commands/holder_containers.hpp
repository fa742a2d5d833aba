// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The containers of processes that a census found, read once a process from /proc.
#pragma once

#include "commands/container_names.hpp"
#include "session/census.hpp"

#include <string_view>

namespace tcpledger {

class HolderContainers {
public:
    /// Empty for a process in none, or that nobody can ask any more.
    [[nodiscard]] std::string_view of(const CensusHolder& process)
    {
        return names_.of({process.pid, process.start_ticks});
    }

private:
    ContainerNames names_;
};

} // namespace tcpledger
