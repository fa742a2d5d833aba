// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The containers of processes, read once a process from /proc. Knows no sockets.
#pragma once

#include "ledger/process_table.hpp"
#include "procfs/processes.hpp"

#include <map>
#include <string>

namespace tcpledger {

class ContainerNames {
public:
    /// Empty for a process in none, or that nobody can ask any more. Valid until the next call.
    [[nodiscard]] const std::string& of(const ProcessKey& process);

private:
    ProcFs proc_;
    std::map<ProcessKey, std::string> names_;
};

} // namespace tcpledger
