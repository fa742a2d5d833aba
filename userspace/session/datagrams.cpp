// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/datagrams.hpp"

#include "session/netns_reading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <unordered_set>

namespace tcpledger {

Datagrams dump_datagrams(std::span<const NetworkNamespace> namespaces)
{
    Datagrams datagrams;
    const std::uint32_t own = own_netns_inum();
    for (const NetworkNamespace& netns : namespaces) {
        Expected<SockDiag> diag =
            SockDiag::open(netns.inum == own ? -1 : netns.fd.get(), netns.inum);
        const Expected<DumpResult> dumped =
            diag ? diag->dump({.protocol = IPPROTO_UDP, .details = {.memory = true}},
                              datagrams.rows, &datagrams.details)
                 : Expected<DumpResult>(tl::unexpected(diag.error()));
        if (!dumped) {
            datagrams.notes.push_back(
                fmt::format("network namespace {}: UDP: {}", netns.inum, dumped.error().message()));
        }
    }
    return datagrams;
}

void find_holders(Datagrams& datagrams)
{
    const Expected<HolderScan> scan = scan_holders();
    if (!scan) {
        datagrams.notes.push_back(scan.error().message());
        return;
    }
    std::unordered_set<std::uint64_t> wanted;
    for (const SocketRow& row : datagrams.rows) {
        wanted.insert(row.inode);
    }
    for (const SocketHolder& holder : scan->holders) {
        if (wanted.contains(holder.inode)) {
            datagrams.holders[holder.inode].push_back(holder);
        }
    }
    for (auto& [inode, holders] : datagrams.holders) {
        std::ranges::sort(holders, {}, [](const SocketHolder& holder) {
            return std::tuple(holder.pid, holder.fd);
        });
    }
}

} // namespace tcpledger
