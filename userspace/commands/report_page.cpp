// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/report_page.hpp"

#include "analysis/audit.hpp"
#include "procfs/clock.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <unordered_set>

namespace tcpledger {
namespace {

/// Adds the dump's rows up as sockstat counts them.
void count_rows(std::vector<NetnsBalance>& balance, const Census& census)
{
    std::map<std::uint32_t, NetnsBalance*> places;
    for (NetnsBalance& entry : balance) {
        places.emplace(entry.inum, &entry);
    }
    std::unordered_set<std::uint64_t> seen; // a dump can repeat a socket
    for (const SocketRow& row : census.rows) {
        const auto place = places.find(row.tuple.netns_inum);
        if (row.protocol != IPPROTO_TCP || place == places.end() ||
            !seen.insert(row.cookie).second) {
            continue;
        }
        const TcpState state = shown_state(row.state);
        if (state == TcpState::kTimeWait || row.timer == SocketTimer::kTimeWait) {
            ++place->second->time_wait;
        } else if (state != TcpState::kSynRecv && state != TcpState::kClose) {
            ++place->second->in_use;
        }
    }
}

std::vector<NetnsBalance> balance_of(const AuditLook& look)
{
    std::vector<NetnsBalance> balance;
    for (const NetnsReading& reading : look.readings) {
        NetnsBalance& entry = balance.emplace_back();
        entry.inum = reading.inum;
        entry.name = reading.name;
        entry.own = reading.own;
        const SocketTotals& totals = reading.totals;
        if (totals.tcp_in_use) {
            entry.kernel_in_use = *totals.tcp_in_use + totals.tcp6_in_use.value_or(0);
        }
        entry.kernel_time_wait = totals.time_wait;
    }
    count_rows(balance, look.snapshot->census);
    std::erase_if(balance, [](const NetnsBalance& entry) {
        return !entry.own && entry.in_use + entry.time_wait + entry.kernel_in_use.value_or(0) +
                                     entry.kernel_time_wait.value_or(0) ==
                                 0;
    });
    return balance;
}

std::vector<ProcessCount> rank_processes(const AuditFacts& facts, TcpState state, std::size_t rows)
{
    std::map<std::size_t, std::uint64_t> counts;
    for (const AuditSocket& socket : facts.sockets) {
        if (!socket.udp && socket.state == state) {
            ++counts[socket.process];
        }
    }
    std::vector<ProcessCount> ranked;
    ranked.reserve(counts.size());
    for (const auto& [process, count] : counts) {
        ranked.push_back(
            {process != kNobody ? std::optional(facts.processes[process]) : std::nullopt, count});
    }
    std::ranges::stable_sort(ranked, std::ranges::greater(), &ProcessCount::count);
    ranked.resize(std::min(rows, ranked.size()));
    return ranked;
}

std::vector<ServiceCount> rank_services(const AuditFacts& facts, TcpState state, std::size_t rows)
{
    std::set<std::pair<std::size_t, std::uint16_t>> listening;
    for (const AuditSocket& socket : facts.sockets) {
        if (!socket.udp && socket.state == TcpState::kListen) {
            listening.emplace(socket.netns, socket.tuple.local.port);
        }
    }
    std::map<std::pair<bool, Endpoint>, std::uint64_t> counts;
    for (const AuditSocket& socket : facts.sockets) {
        if (!socket.udp && socket.state == state) {
            const bool here = listening.contains({socket.netns, socket.tuple.local.port});
            ++counts[{here, here ? socket.tuple.local : socket.tuple.remote}];
        }
    }
    std::vector<ServiceCount> ranked;
    ranked.reserve(counts.size());
    for (const auto& [key, count] : counts) {
        ranked.push_back({key.second, key.first, count});
    }
    std::ranges::stable_sort(ranked, std::ranges::greater(), &ServiceCount::count);
    ranked.resize(std::min(rows, ranked.size()));
    return ranked;
}

} // namespace

HostFacts read_host()
{
    HostFacts host;
    utsname names{};
    if (::uname(&names) == 0) {
        host.name = names.nodename;
        host.kernel = std::string(names.sysname) + " " + names.release;
        host.architecture = names.machine;
    }
    host.cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
    host.uptime = boottime_now();
    return host;
}

ReportPage make_report(AuditLook look, std::size_t rows)
{
    ReportPage page;
    page.time = std::chrono::system_clock::now();
    page.interval = look.facts.interval;
    page.host = read_host();
    for (const AuditSocket& socket : look.facts.sockets) {
        if (!socket.udp) {
            ++page.states[static_cast<std::size_t>(socket.state)];
            ++page.total;
        }
    }
    page.balance = balance_of(look);
    for (std::size_t at = 0; at < kRankedStates.size(); ++at) {
        page.processes[at] = rank_processes(look.facts, kRankedStates[at], rows);
    }
    page.time_wait_services = rank_services(look.facts, TcpState::kTimeWait, rows);
    finish_inventory(look.inventory, look.namespaces);
    page.inventory = std::move(look.inventory);
    page.findings = audit(look.facts);
    return page;
}

} // namespace tcpledger
