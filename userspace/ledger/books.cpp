// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger/books.hpp"

#include <algorithm>
#include <cstring>

namespace tcpledger {
namespace {

std::uint64_t mix(std::uint64_t value) noexcept
{
    value ^= value >> 32;
    value *= 0x9e3779b97f4a7c15ULL;
    return value ^ (value >> 29);
}

std::uint64_t load64(const std::uint8_t* bytes) noexcept
{
    std::uint64_t value = 0;
    std::memcpy(&value, bytes, sizeof(value));
    return value;
}

std::uint64_t mix(const Endpoint& end) noexcept
{
    const auto* bytes = end.address.bytes.data();
    return mix(load64(bytes) ^ mix(load64(bytes + 8) ^ (std::uint64_t{end.port} << 16)));
}

/// The same for both ends of a connection within a host. Where one is looked for the other soon is
/// too, and then that part of the index is in the cache already.
std::uint32_t pair_hash(const FourTuple& tuple) noexcept
{
    return static_cast<std::uint32_t>(mix(mix(tuple.local) + mix(tuple.remote) + tuple.netns_inum));
}

std::uint32_t integer_hash(std::uint64_t value) noexcept
{
    return static_cast<std::uint32_t>(mix(value));
}

/// Of what a connection of its kind is found by.
std::uint32_t key_hash(const Connection& connection) noexcept
{
    switch (connection.kind) {
    case SocketKind::kEmbryo:
        return integer_hash(connection.sock);
    case SocketKind::kMini:
        return pair_hash(connection.tuple);
    case SocketKind::kFull:
        break;
    }
    return integer_hash(connection.cookie);
}

constexpr int kBestFit = 3;

/// How well a listener's address fits; higher is better, 0 not at all.
int fit(const Connection& listener, const IpAddress& wanted)
{
    const IpAddress& bound = listener.tuple.local.address;
    if (bound == wanted) {
        return kBestFit;
    }
    if (!bound.is_wildcard()) {
        return 0;
    }
    return bound.is_ipv4() == wanted.is_ipv4() ? 2 : (wanted.is_ipv4() ? 1 : 0);
}

std::size_t slot(TcpState state)
{
    return static_cast<std::size_t>(shown_state(state));
}

} // namespace

std::uint64_t hash_of(const FourTuple& tuple) noexcept
{
    const auto* local = tuple.local.address.bytes.data();
    const auto* remote = tuple.remote.address.bytes.data();
    const std::uint64_t ports = (std::uint64_t{tuple.netns_inum} << 32) |
                                (std::uint64_t{tuple.local.port} << 16) | tuple.remote.port;
    std::uint64_t hash = mix(ports);
    hash = mix(hash ^ load64(local) ^ mix(load64(local + 8)));
    return mix(hash ^ load64(remote) ^ mix(load64(remote + 8) + 1));
}

std::size_t IntegerHash::operator()(std::uint64_t value) const noexcept
{
    return mix(value);
}

ConnectionId Books::enter(const Connection& connection)
{
    const ConnectionId id = slots_.insert(connection);
    slots_[id].in_use = true;
    index(id);
    count(slots_[id], +1);
    return id;
}

void Books::move(ConnectionId id, TcpState state, MonotonicTime time)
{
    Connection& connection = slots_[id];
    if (connection.state == TcpState::kListen) {
        unindex_listener(id);
    }
    for_counts_of(connection, [from = slot(connection.state), to = slot(state)](auto& counts) {
        --counts[from];
        ++counts[to];
    });
    connection.state = state;
    connection.entered = time;
    connection.age_is_lower_bound = false;
    if (state == TcpState::kListen) {
        index_listener(id);
    }
}

void Books::reown(ConnectionId id, ProcessId owner, How how)
{
    Connection& connection = slots_[id];
    connection.how = how;
    if (connection.owner == owner) {
        return;
    }
    count(connection, -1);
    connection.owner = owner;
    count(connection, +1);
}

void Books::hatch(ConnectionId id, std::uint64_t cookie, const FourTuple& tuple)
{
    unindex(id);
    Connection& connection = slots_[id];
    connection.kind = SocketKind::kFull; // neither of the two is a mini-socket: no count changes
    connection.cookie = cookie;
    change_tuple(connection, tuple);
    index(id);
}

void Books::shrink(ConnectionId id, TcpState state, MonotonicTime time)
{
    unindex(id);
    Connection& connection = slots_[id];
    count(connection, -1);
    connection.kind = SocketKind::kMini;
    connection.state = state;
    connection.entered = time;
    connection.age_is_lower_bound = false;
    count(connection, +1);
    index(id);
}

void Books::strike(ConnectionId id)
{
    unindex(id);
    count(slots_[id], -1);
    slots_.erase(id);
}

void Books::set_tuple(ConnectionId id, const FourTuple& tuple)
{
    Connection& connection = slots_[id];
    const bool is_key =
        connection.kind == SocketKind::kMini || connection.state == TcpState::kListen;
    if (is_key) {
        unindex(id);
    }
    change_tuple(connection, tuple);
    if (is_key) {
        index(id);
    }
}

void Books::set_sock(ConnectionId id, std::uint64_t sock)
{
    Connection& connection = slots_[id];
    const bool is_key =
        connection.kind == SocketKind::kEmbryo || connection.state == TcpState::kListen;
    if (is_key) {
        unindex(id);
    }
    connection.sock = sock;
    if (is_key) {
        index(id);
    }
}

void Books::begin_interval()
{
    processes_.begin_interval();
    cached_netns_counts_ = nullptr;
    const auto empty = [](const auto& entry) { return entry.second == StateCounts{}; };
    std::erase_if(by_netns_, empty);
    std::erase_if(minis_by_netns_, empty);
}

ConnectionId Books::find_by_cookie(std::uint64_t cookie) const
{
    return full_.find(integer_hash(cookie),
                      [&](ConnectionId id) { return slots_[id].cookie == cookie; });
}

ConnectionId Books::find_embryo(std::uint64_t sock) const
{
    return embryos_.find(integer_hash(sock),
                         [&](ConnectionId id) { return slots_[id].sock == sock; });
}

ConnectionId Books::find_mini(const FourTuple& tuple) const
{
    return minis_.find(pair_hash(tuple),
                       [&](ConnectionId id) { return slots_[id].tuple == tuple; });
}

ConnectionId Books::find_listener(std::uint64_t sock) const
{
    const auto found = listeners_by_sock_.find(sock);
    return found != listeners_by_sock_.end() ? found->second : kNoConnection;
}

ConnectionId Books::find_listener(std::uint32_t netns_inum, const Endpoint& local,
                                  ProcessId preferred) const
{
    const auto candidates = listeners_by_port_.find(port_key(netns_inum, local.port));
    if (candidates == listeners_by_port_.end()) {
        return kNoConnection;
    }
    ConnectionId best = kNoConnection;
    int best_fit = 0;
    for (const ConnectionId id : candidates->second) {
        int this_fit = fit(slots_[id], local.address);
        if (this_fit > 0 && preferred != kUnknownProcess && slots_[id].owner == preferred) {
            this_fit += kBestFit;
        }
        if (this_fit > best_fit) {
            best = id;
            best_fit = this_fit;
        }
    }
    return best;
}

StateCounts Books::totals() const
{
    StateCounts totals{};
    for (const auto& [netns_inum, counts] : by_netns_) {
        for (std::size_t state = 0; state < kStateSlots; ++state) {
            totals[state] += counts[state];
        }
    }
    return totals;
}

std::uint64_t Books::bounded_minis(std::uint32_t netns_inum) const
{
    const auto minis = minis_by_netns_.find(netns_inum);
    if (minis == minis_by_netns_.end()) {
        return 0;
    }
    return std::uint64_t{minis->second[slot(TcpState::kTimeWait)]} +
           minis->second[slot(TcpState::kFinWait2)];
}

std::size_t Books::memory_bytes() const
{
    return slots_.memory_bytes() + full_.memory_bytes() + embryos_.memory_bytes() +
           minis_.memory_bytes();
}

std::uint64_t Books::port_key(std::uint32_t netns_inum, std::uint16_t port)
{
    return (std::uint64_t{netns_inum} << 16) | port;
}

ConnectionIndex& Books::index_of(SocketKind kind)
{
    switch (kind) {
    case SocketKind::kEmbryo:
        return embryos_;
    case SocketKind::kMini:
        return minis_;
    case SocketKind::kFull:
        break;
    }
    return full_;
}

void Books::index(ConnectionId id)
{
    const Connection& connection = slots_[id];
    index_of(connection.kind).insert(key_hash(connection), id);
    if (connection.state == TcpState::kListen) {
        index_listener(id);
    }
}

void Books::unindex(ConnectionId id)
{
    const Connection& connection = slots_[id];
    index_of(connection.kind).erase(key_hash(connection), id);
    if (connection.state == TcpState::kListen) {
        unindex_listener(id);
    }
}

void Books::index_listener(ConnectionId id)
{
    const Connection& listener = slots_[id];
    if (listener.sock != 0) {
        listeners_by_sock_[listener.sock] = id;
    }
    const std::uint64_t key = port_key(listener.tuple.netns_inum, listener.tuple.local.port);
    listeners_by_port_[key].push_back(id);
}

void Books::unindex_listener(ConnectionId id)
{
    const Connection& listener = slots_[id];
    const auto by_sock = listeners_by_sock_.find(listener.sock);
    if (by_sock != listeners_by_sock_.end() && by_sock->second == id) {
        listeners_by_sock_.erase(by_sock);
    }
    const std::uint64_t key = port_key(listener.tuple.netns_inum, listener.tuple.local.port);
    const auto by_port = listeners_by_port_.find(key);
    if (by_port != listeners_by_port_.end()) {
        std::erase(by_port.value(), id);
        if (by_port->second.empty()) {
            listeners_by_port_.erase(by_port);
        }
    }
}

void Books::change_tuple(Connection& connection, const FourTuple& tuple)
{
    const bool moves = connection.tuple.netns_inum != tuple.netns_inum;
    if (moves) {
        count(connection, -1);
    }
    connection.tuple = tuple;
    if (moves) {
        count(connection, +1);
    }
}

void Books::count(const Connection& connection, std::int32_t delta)
{
    const auto change = static_cast<std::uint32_t>(delta); // wraps, so that −1 subtracts
    for_counts_of(connection, [change, state = slot(connection.state)](auto& counts) {
        counts[state] += change;
    });
    processes_.at(connection.owner).connections += change;
}

void Books::cache_netns(std::uint32_t netns_inum)
{
    cached_netns_ = netns_inum;
    cached_netns_counts_ = &by_netns_[netns_inum]; // a map's nodes do not move
    cached_netns_minis_ = &minis_by_netns_[netns_inum];
}

template <typename Change>
void Books::for_counts_of(const Connection& connection, const Change& change)
{
    if (cached_netns_counts_ == nullptr || cached_netns_ != connection.tuple.netns_inum) {
        cache_netns(connection.tuple.netns_inum);
    }
    change(processes_.at(connection.owner).states);
    change(*cached_netns_counts_);
    if (connection.kind == SocketKind::kMini) {
        change(*cached_netns_minis_);
    }
}

} // namespace tcpledger
