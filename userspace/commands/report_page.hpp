// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a report says beside listeners and findings: the host, the balance, counts, the processes
// with most. Made from one look; it shows nothing itself.
#pragma once

#include "analysis/churn_report.hpp"
#include "analysis/finding.hpp"
#include "ledger/process_table.hpp"
#include "session/audit_look.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tcpledger {

struct HostFacts {
    std::string name;
    std::string kernel;       ///< "Linux 6.18.5"
    std::string architecture; ///< "x86_64"
    long cpus = 0;
    std::chrono::nanoseconds uptime{};
};

/// The sockets that a dump lists against what /proc/net/sockstat counts.
struct NetnsBalance {
    std::uint32_t inum = 0;
    std::string name; ///< raw bytes, may be empty
    bool own = false;
    std::uint64_t in_use = 0; ///< neither TIME_WAIT, half-open nor closed
    std::optional<std::uint64_t> kernel_in_use;
    std::uint64_t time_wait = 0; ///< the FIN_WAIT2 after close() included
    std::optional<std::uint64_t> kernel_time_wait;
};

struct ProcessCount {
    std::optional<AuditProcess> process; ///< nothing: nobody can know
    std::uint64_t count = 0;
};

/// The side of connections that others come to: a listener of this host, or a remote.
struct ServiceCount {
    Endpoint service;
    bool here = false; ///< it listens on this host
    std::uint64_t count = 0;
};

/// The states that the report ranks processes by.
inline constexpr std::array kRankedStates = {TcpState::kCloseWait, TcpState::kTimeWait,
                                             TcpState::kEstablished};

struct ReportPage {
    std::chrono::system_clock::time_point time;
    std::chrono::milliseconds interval{};
    HostFacts host;
    std::uint64_t total = 0;
    StateCounts states{};
    std::vector<NetnsBalance> balance; ///< those with a TCP socket, and our own
    std::array<std::vector<ProcessCount>, kRankedStates.size()> processes; ///< most first
    std::vector<ServiceCount> time_wait_services;                          ///< most first
    Inventory inventory;
    std::vector<Finding> findings;
    std::optional<ChurnReport> churn; ///< between the two looks; nothing where nothing was traced
};

[[nodiscard]] HostFacts read_host();

/// Takes over what it needs of `look`; at most `rows` rows in each ranking.
[[nodiscard]] ReportPage make_report(AuditLook look, std::size_t rows);

} // namespace tcpledger
