// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The books: every connection on exactly one process, in exactly one state. All
// changes go through the verbs below, which keep three sums equal at every
// moment: connections, counts by (process, state), counts by (netns, state).
// Knows nothing of kernels, events or dumps.
#pragma once

#include "ledger/connection.hpp"
#include "ledger/connection_index.hpp"
#include "ledger/slab.hpp"

#include <tsl/robin_map.h>

#include <map>
#include <memory>
#include <vector>

namespace tcpledger {

/// A hash of all that names a connection on its host.
[[nodiscard]] std::uint64_t hash_of(const FourTuple& tuple) noexcept;

struct IntegerHash {
    std::size_t operator()(std::uint64_t value) const noexcept;
};

class Books {
public:
    Books() = default;
    Books(const Books&) = delete;
    Books& operator=(const Books&) = delete;

    /// Enters a connection. Its kind says which key must be new: cookie, sock or tuple.
    ConnectionId enter(const Connection& connection);
    /// Moves it to another state at `time`; the time in the old state ends there.
    void move(ConnectionId id, TcpState state, MonotonicTime time);
    /// Puts it on another process's books.
    void reown(ConnectionId id, ProcessId owner, How how);
    /// Makes an embryo a full socket with its lasting cookie and tuple.
    void hatch(ConnectionId id, std::uint64_t cookie, const FourTuple& tuple);
    /// Makes a full socket a mini-socket in `state`: its cookie is given up.
    void shrink(ConnectionId id, TcpState state, MonotonicTime time);
    /// Takes it off the books; the memory is used again.
    void strike(ConnectionId id);
    /// Completes a tuple that was not whole at first.
    void set_tuple(ConnectionId id, const FourTuple& tuple);

    /// Learns the address of its struct sock.
    void set_sock(ConnectionId id, std::uint64_t sock);

    [[nodiscard]] ConnectionId find_by_cookie(std::uint64_t cookie) const;
    [[nodiscard]] ConnectionId find_embryo(std::uint64_t sock) const;
    [[nodiscard]] ConnectionId find_mini(const FourTuple& tuple) const;
    /// The listener at this address of a struct sock.
    [[nodiscard]] ConnectionId find_listener(std::uint64_t sock) const;
    /// The listener the kernel would choose by address: the bound address before the
    /// wildcard, IPv4 before a dual-stack IPv6 one. Siblings by SO_REUSEPORT: any. One that
    /// fits and is `preferred`'s comes before all others; kUnknownProcess prefers none.
    [[nodiscard]] ConnectionId find_listener(std::uint32_t netns_inum, const Endpoint& local,
                                             ProcessId preferred = kUnknownProcess) const;

    /// Starts the processes' interval counters anew; forgets what is empty and over.
    void begin_interval();

    [[nodiscard]] const Connection& at(ConnectionId id) const { return slots_[id]; }
    /// For fields that are no key and no count: times, inode, sweep marks, flags.
    [[nodiscard]] Connection& details(ConnectionId id) { return slots_[id]; }

    [[nodiscard]] ProcessTable& processes() { return processes_; }
    [[nodiscard]] const ProcessTable& processes() const { return processes_; }

    /// By shown state.
    [[nodiscard]] StateCounts totals() const;
    [[nodiscard]] const std::map<std::uint32_t, StateCounts>& by_netns() const { return by_netns_; }
    /// The mini-sockets among them.
    [[nodiscard]] const std::map<std::uint32_t, StateCounts>& minis_by_netns() const
    {
        return minis_by_netns_;
    }
    /// Those of a namespace in TIME_WAIT and FIN_WAIT2, as sockstat counts and
    /// tcp_max_tw_buckets bounds them.
    [[nodiscard]] std::uint64_t bounded_minis(std::uint32_t netns_inum) const;
    [[nodiscard]] std::size_t size() const { return slots_.size(); }
    /// Bytes that connections and their indexes occupy.
    [[nodiscard]] std::size_t memory_bytes() const;

    template <typename Visit> void for_each(Visit&& visit) const
    {
        slots_.for_each_place([&](ConnectionId id, const Connection& connection) {
            if (connection.in_use) {
                visit(id, connection);
            }
        });
    }

    /// The mini-sockets alone. `visit` must not change the books.
    template <typename Visit> void for_each_mini(Visit&& visit) const
    {
        minis_.for_each([&](ConnectionId id) { visit(id, slots_[id]); });
    }

private:
    using ByInteger = tsl::robin_map<std::uint64_t, ConnectionId, IntegerHash>;

    [[nodiscard]] static std::uint64_t port_key(std::uint32_t netns_inum, std::uint16_t port);
    /// The one that finds connections of this kind.
    [[nodiscard]] ConnectionIndex& index_of(SocketKind kind);
    void index(ConnectionId id);
    void unindex(ConnectionId id);
    void index_listener(ConnectionId id);
    void unindex_listener(ConnectionId id);
    void change_tuple(Connection& connection, const FourTuple& tuple);
    void count(const Connection& connection, std::int32_t delta);
    /// Rare, and so not in the way of what each record runs through.
    [[gnu::noinline]] void cache_netns(std::uint32_t netns_inum);
    /// Calls change(StateCounts&) for each of the sums that it counts in.
    template <typename Change>
    void for_counts_of(const Connection& connection, const Change& change);

    Slab<Connection> slots_;
    ConnectionIndex full_;    ///< by cookie
    ConnectionIndex embryos_; ///< by address of the struct sock
    ConnectionIndex minis_;   ///< by tuple
    ByInteger listeners_by_sock_;
    tsl::robin_map<std::uint64_t, std::vector<ConnectionId>, IntegerHash> listeners_by_port_;
    ProcessTable processes_;
    std::map<std::uint32_t, StateCounts> by_netns_;
    std::map<std::uint32_t, StateCounts> minis_by_netns_;
    std::uint32_t cached_netns_ = 0;
    StateCounts* cached_netns_counts_ = nullptr;
    StateCounts* cached_netns_minis_ = nullptr;
};

} // namespace tcpledger
