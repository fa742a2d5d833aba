// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/datagrams.hpp"

#include "session/netns_reading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
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
    Census census;
    census.rows = datagrams.rows;
    CensusTaker::open(true).find_holders(census);
    std::ranges::move(census.notes, std::back_inserter(datagrams.notes));
    std::unordered_set<std::uint64_t> wanted; // else TCP's are among them
    for (const SocketRow& row : datagrams.rows) {
        wanted.insert(row.cookie);
    }
    std::ranges::copy_if(
        census.holders, std::back_inserter(datagrams.holders),
        [&](const CensusHolder& holder) { return wanted.contains(holder.cookie); });
    std::ranges::sort(datagrams.holders, {}, [](const CensusHolder& holder) {
        return std::tuple(holder.cookie, holder.pid, holder.fd);
    });
}

std::span<const CensusHolder> Datagrams::holders_of(const SocketRow& row) const
{
    const auto range = std::ranges::equal_range(holders, row.cookie, {}, &CensusHolder::cookie);
    return {range.begin(), range.end()};
}

} // namespace tcpledger
