// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a churn book says at the end of its watch, ready to be shown: rows in order, what is beyond
// them added up, ports per remote. Pure.
#pragma once

#include "analysis/churn_book.hpp"
#include "analysis/ephemeral_ports.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tcpledger {

struct ChurnRow {
    ChurnKey key;
    ChurnGroup group;
};

/// A program and its peer.
struct Churner {
    ChurnKey key;
    ChurnFigures figures;
    std::string parent; ///< who started it, where that is known: raw bytes
};

/// connect() needs a local port of its own for each connection to one remote.
struct RemotePorts {
    std::uint32_t netns_inum = 0;
    Endpoint remote;
    std::uint64_t opened = 0;     ///< outgoing, in this watch
    std::uint64_t time_waits = 0; ///< left behind in this watch
    IpAddress local;              ///< the address that uses most
    std::uint64_t used = 0;       ///< ephemeral ports taken from it now, TIME_WAIT included
    std::optional<std::uint64_t> available; ///< the range less what is reserved
};

struct ChurnReport {
    std::chrono::nanoseconds watched{};
    std::chrono::nanoseconds poll{};
    ChurnGrouping by = ChurnGrouping::kProcess;
    ChurnFigures total;
    Dwells dwells;
    std::vector<ChurnRow> rows;     ///< most first
    std::uint64_t hidden = 0;       ///< rows that found no place, without the folded ones
    ChurnGroup others;              ///< the hidden and the folded rows together
    std::uint64_t folded = 0;       ///< see FoldingTable
    std::vector<Churner> churners;  ///< most first
    std::vector<RemotePorts> ports; ///< most opened first
    std::uint64_t lost = 0;         ///< events
};

/// The ephemeral ports of a namespace; nothing where they cannot be read.
using PortsOfNetns = std::function<std::optional<EphemeralPorts>(std::uint32_t netns_inum)>;

/// Rows, churners and remotes are at most `rows` each. The caller fills in the rest.
[[nodiscard]] ChurnReport make_churn_report(const ChurnBook& book, std::size_t rows);

/// Counts the ephemeral ports that connections on the books use towards the report's remotes.
void count_ports(ChurnReport& report, const Books& books, const PortsOfNetns& ports_of);

} // namespace tcpledger
