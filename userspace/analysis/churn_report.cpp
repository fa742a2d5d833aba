// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "analysis/churn_report.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace tcpledger {
namespace {

/// What orders two that weigh the same.
auto rank_of(const ChurnKey& key)
{
    return std::tie(key.actor.comm, key.actor.process.pid, key.container, key.endpoint,
                    key.netns_inum, key.outgoing);
}

template <typename Row> void sort_rows(std::vector<const Row*>& rows)
{
    std::ranges::sort(rows, [](const Row* left, const Row* right) {
        const auto heavy = left->second.weight();
        const auto light = right->second.weight();
        return heavy != light ? heavy > light : rank_of(left->first) < rank_of(right->first);
    });
}

template <typename Table> auto sorted_rows(const Table& table)
{
    using Row = typename std::remove_reference_t<decltype(table.rows())>::value_type;
    std::vector<const Row*> rows;
    rows.reserve(table.rows().size());
    for (const Row& row : table.rows()) {
        rows.push_back(&row);
    }
    sort_rows(rows);
    return rows;
}

void add_rows(ChurnReport& report, const ChurnBook::Groups& groups, std::size_t most)
{
    report.others = groups.others();
    report.folded = groups.folded();
    for (const auto* row : sorted_rows(groups)) {
        if (report.rows.size() < most) {
            report.rows.push_back({row->first, row->second});
        } else {
            ++report.hidden;
            report.others.merge(row->second);
        }
    }
}

void add_remotes(ChurnReport& report, const ChurnBook::Pairs& pairs, std::size_t most)
{
    std::map<std::pair<std::uint32_t, Endpoint>, RemotePorts> remotes;
    for (const auto& [key, figures] : pairs.rows()) {
        if (!key.outgoing) {
            continue;
        }
        RemotePorts& remote = remotes[{key.netns_inum, key.endpoint}];
        remote.netns_inum = key.netns_inum;
        remote.remote = key.endpoint;
        remote.opened += figures.opened;
        remote.time_waits += figures.time_waits;
    }
    for (const auto& [key, remote] : remotes) {
        report.ports.push_back(remote);
    }
    std::ranges::stable_sort(report.ports, std::ranges::greater(), &RemotePorts::opened);
    report.ports.resize(std::min(most, report.ports.size()));
}

} // namespace

ChurnReport make_churn_report(const ChurnBook& book, std::size_t rows)
{
    ChurnReport report;
    report.total = book.total();
    report.dwells = book.dwells();
    add_rows(report, book.groups(), rows);
    for (const auto* row : sorted_rows(book.pairs())) {
        if (report.churners.size() == rows) {
            break;
        }
        report.churners.push_back({row->first, row->second, {}});
    }
    add_remotes(report, book.pairs(), rows);
    return report;
}

void count_ports(ChurnReport& report, const Books& books, const PortsOfNetns& ports_of)
{
    std::map<std::pair<std::uint32_t, Endpoint>, std::map<IpAddress, std::uint64_t>> used;
    std::map<std::uint32_t, std::optional<EphemeralPorts>> ranges;
    for (const RemotePorts& remote : report.ports) {
        used[{remote.netns_inum, remote.remote}];
        if (!ranges.contains(remote.netns_inum)) {
            ranges[remote.netns_inum] = ports_of(remote.netns_inum);
        }
    }
    books.for_each([&](ConnectionId, const Connection& connection) {
        const FourTuple& tuple = connection.tuple;
        const auto remote = used.find({tuple.netns_inum, tuple.remote});
        if (remote != used.end()) {
            const auto& range = ranges[tuple.netns_inum];
            if (range && range->contains(tuple.local.port)) {
                ++remote->second[tuple.local.address];
            }
        }
    });
    for (RemotePorts& remote : report.ports) {
        const auto& range = ranges[remote.netns_inum];
        if (range) {
            remote.available = range->size();
        }
        for (const auto& [local, count] : used[{remote.netns_inum, remote.remote}]) {
            if (count > remote.used) {
                remote.local = local;
                remote.used = count;
            }
        }
    }
}

} // namespace tcpledger
