// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/inventory.hpp"

#include "procfs/clock.hpp"
#include "procfs/processes.hpp"
#include "session/datagrams.hpp"
#include "session/host_names.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

namespace tcpledger {
namespace {

std::unordered_map<std::uint32_t, std::size_t>
places_of(const std::vector<NetworkNamespace>& namespaces)
{
    std::unordered_map<std::uint32_t, std::size_t> places;
    for (const NetworkNamespace& netns : namespaces) {
        places.emplace(netns.inum, places.size());
    }
    return places;
}

/// Half-open connections by namespace, port and address they were sent to.
using HalfOpen = std::map<std::tuple<std::uint32_t, std::uint16_t, IpAddress>, std::uint32_t>;

HalfOpen count_half_open(const Census& census)
{
    HalfOpen counts;
    std::unordered_set<std::uint64_t> seen; // a dump can repeat a socket
    for (const SocketRow& row : census.rows) {
        if (shown_state(row.state) == TcpState::kSynRecv && seen.insert(row.cookie).second) {
            ++counts[{row.tuple.netns_inum, row.tuple.local.port, row.tuple.local.address}];
        }
    }
    return counts;
}

/// Whether the kernel hands a connection to `address` to this listener, rather than to one bound
/// to that very address.
bool takes(const SocketRow& listener, const IpAddress& address,
           const std::set<std::tuple<std::uint32_t, std::uint16_t, IpAddress>>& bound)
{
    const Endpoint& local = listener.tuple.local;
    if (local.address == address) {
        return true;
    }
    if (!local.address.is_wildcard() ||
        bound.contains({listener.tuple.netns_inum, local.port, address})) {
        return false;
    }
    if (local.address.is_ipv4() || listener.ipv6_only) {
        return local.address.is_ipv4() == address.is_ipv4();
    }
    // Dual-stack: IPv4 only where no IPv4 wildcard listens there.
    return !address.is_ipv4() ||
           !bound.contains({listener.tuple.netns_inum, local.port, IpAddress::from_ipv4_be(0)});
}

void add_half_open(Inventory& inventory, const HalfOpen& counts)
{
    std::set<std::tuple<std::uint32_t, std::uint16_t, IpAddress>> bound;
    for (const Listener& listener : inventory.listeners) {
        const FourTuple& tuple = listener.row.tuple;
        bound.emplace(tuple.netns_inum, tuple.local.port, tuple.local.address);
    }
    for (Listener& listener : inventory.listeners) {
        const FourTuple& tuple = listener.row.tuple;
        for (auto at = counts.lower_bound({tuple.netns_inum, tuple.local.port, IpAddress{}});
             at != counts.end() && std::get<0>(at->first) == tuple.netns_inum &&
             std::get<1>(at->first) == tuple.local.port;
             ++at) {
            if (takes(listener.row, std::get<2>(at->first), bound)) {
                listener.half_open += at->second;
            }
        }
    }
}

/// The owner by the books; the other holders, each process once.
void add_processes(Listener& listener, const Snapshot& snapshot,
                   std::span<const CensusHolder> holders)
{
    const Books& books = snapshot.ledger.books();
    const ConnectionId id = books.find_by_cookie(listener.row.cookie);
    if (id != kNoConnection && books.at(id).owner != kUnknownProcess) {
        const Process& owner = books.processes().at(books.at(id).owner);
        listener.owner = ListenerProcess{owner.key.pid, owner.comm};
    }
    for (const CensusHolder& holder : holders) {
        const bool known = (listener.owner && listener.owner->pid == holder.pid) ||
                           (!listener.sharers.empty() && listener.sharers.back().pid == holder.pid);
        if (!known) {
            listener.sharers.push_back({holder.pid, std::string(holder.comm())});
        }
    }
}

/// Sockets that wait for datagrams from anybody.
bool awaits_anybody(const SocketRow& row)
{
    return row.state == TcpState::kClose && row.tuple.local.port != 0 && row.tuple.remote.port == 0;
}

void add_udp_listeners(Inventory& inventory, const std::vector<NetworkNamespace>& namespaces)
{
    Datagrams datagrams = dump_datagrams(namespaces);
    find_holders(datagrams);
    for (std::size_t at = 0; at < datagrams.rows.size(); ++at) {
        const SocketRow& row = datagrams.rows[at];
        if (!awaits_anybody(row)) {
            continue;
        }
        Listener listener;
        listener.row = row;
        listener.drops = datagrams.details[at].memory.drops_count;
        listener.recv_buffer_bytes = datagrams.details[at].memory.recv_buffer_bytes;
        std::uint32_t last_pid = 0;
        for (const CensusHolder& holder : datagrams.holders_of(row)) {
            if (!listener.owner) {
                listener.owner = ListenerProcess{holder.pid, std::string(holder.comm())};
            } else if (holder.pid != last_pid) {
                listener.sharers.push_back({holder.pid, std::string(holder.comm())});
            }
            last_pid = holder.pid;
        }
        inventory.listeners.push_back(std::move(listener));
    }
    std::ranges::move(datagrams.notes, std::back_inserter(inventory.notes));
}

void add_containers(Inventory& inventory)
{
    const ProcFs proc;
    std::unordered_map<std::uint32_t, std::string> known;
    for (Listener& listener : inventory.listeners) {
        if (!listener.owner || listener.owner->pid == 0) {
            continue;
        }
        const auto [found, is_new] = known.try_emplace(listener.owner->pid);
        if (is_new) {
            const Expected<std::string> cgroup = proc.cgroup(listener.owner->pid);
            found->second = cgroup ? container_of_cgroup(*cgroup).value_or("") : "";
        }
        listener.container = found->second;
    }
}

} // namespace

const char* reach_of(const IpAddress& address) noexcept
{
    if (address.is_wildcard()) {
        return "any";
    }
    return address.is_loopback() ? "loopback" : "address";
}

void add_tcp_listeners(Inventory& inventory, const Snapshot& snapshot,
                       const std::vector<NetworkNamespace>& namespaces)
{
    const auto places = places_of(namespaces);
    std::vector<CensusHolder> holders;
    std::unordered_set<std::uint64_t> cookies;
    for (const SocketRow& row : snapshot.census.rows) {
        if (row.state == TcpState::kListen && places.contains(row.tuple.netns_inum) &&
            cookies.insert(row.cookie).second) {
            inventory.listeners.emplace_back().row = row;
        }
    }
    std::ranges::copy_if(
        snapshot.census.holders, std::back_inserter(holders),
        [&](const CensusHolder& holder) { return cookies.contains(holder.cookie); });
    std::ranges::sort(holders, {}, [](const CensusHolder& holder) {
        return std::tuple(holder.cookie, holder.pid, holder.fd);
    });
    for (Listener& listener : inventory.listeners) {
        const auto range =
            std::ranges::equal_range(holders, listener.row.cookie, {}, &CensusHolder::cookie);
        add_processes(listener, snapshot, std::span(range.begin(), range.end()));
    }
    add_half_open(inventory, count_half_open(snapshot.census));
}

void count_siblings(Inventory& inventory)
{
    std::map<std::tuple<std::uint32_t, std::uint8_t, Endpoint, std::uint32_t>, std::uint32_t>
        counts;
    const auto key = [](const Listener& listener) {
        return std::tuple(listener.row.tuple.netns_inum, listener.row.protocol,
                          listener.row.tuple.local, listener.row.interface_index);
    };
    for (const Listener& listener : inventory.listeners) {
        ++counts[key(listener)];
    }
    for (Listener& listener : inventory.listeners) {
        listener.siblings = counts[key(listener)] - 1;
    }
}

void finish_inventory(Inventory& inventory, const std::vector<NetworkNamespace>& namespaces)
{
    const auto places = places_of(namespaces);
    std::ranges::sort(inventory.listeners, {}, [&](const Listener& listener) {
        const FourTuple& tuple = listener.row.tuple;
        return std::tuple(places.at(tuple.netns_inum), listener.row.protocol, tuple.local.port,
                          tuple.local.address, listener.owner ? listener.owner->pid : 0,
                          listener.row.cookie);
    });
    count_siblings(inventory);
    add_containers(inventory);
    std::unordered_set<std::uint32_t> used;
    for (const Listener& listener : inventory.listeners) {
        used.insert(listener.row.tuple.netns_inum);
    }
    for (const NetworkNamespace& netns : namespaces) {
        if (!used.contains(netns.inum)) {
            continue;
        }
        if (Expected<NetnsReading> reading = read_netns(netns, {})) {
            inventory.namespaces.push_back(*std::move(reading));
        } else {
            inventory.notes.push_back("its counters: " + reading.error().message());
        }
    }
    inventory.uptime = boottime_now();
}

Expected<Inventory> take_inventory(const InventoryRequest& request)
{
    const Expected<NamespaceList> chosen = choose_namespaces(request.netns);
    if (!chosen) {
        return tl::unexpected(chosen.error());
    }
    Inventory inventory;
    if (request.tcp) {
        const auto snapshot = take_snapshot();
        if (!snapshot) {
            return tl::unexpected(snapshot.error());
        }
        inventory.notes = (*snapshot)->census.notes;
        add_tcp_listeners(inventory, **snapshot, chosen->namespaces);
    }
    if (request.udp) {
        add_udp_listeners(inventory, chosen->namespaces);
    }
    finish_inventory(inventory, chosen->namespaces);
    return inventory;
}

} // namespace tcpledger
