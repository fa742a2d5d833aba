// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The listening sockets of a moment: who offers what to whom, how full the queues are, and what
// their network namespaces had to drop. Evidence for `listen` and `report`; it judges nothing.
#pragma once

#include "base/error.hpp"
#include "session/netns_reading.hpp"
#include "session/snapshot.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tcpledger {

struct ListenerProcess {
    std::uint32_t pid = 0;
    std::string comm; ///< raw bytes
};

struct Listener {
    SocketRow row; ///< TCP: recv_queue_bytes waits to be accepted, send_queue_bytes is the limit
    std::optional<ListenerProcess> owner;
    std::vector<ListenerProcess> sharers; ///< the other holders, each process once, by pid
    std::uint32_t siblings = 0; ///< other sockets at the same address and port (SO_REUSEPORT)
    std::string container;      ///< the owner's; empty: in none
    /// TCP: half-open connections to this address and port, the siblings' included.
    std::uint32_t half_open = 0;
    std::uint64_t drops = 0;             ///< UDP: datagrams this socket had no room for
    std::uint32_t recv_buffer_bytes = 0; ///< UDP
};

/// "any" for a wildcard address, "loopback", or "address".
[[nodiscard]] const char* reach_of(const IpAddress& address) noexcept;

struct InventoryRequest {
    std::optional<std::string> netns; ///< see choose_namespaces()
    bool tcp = true;
    bool udp = false;
};

struct Inventory {
    std::vector<Listener> listeners;      ///< by namespace (our own first), protocol, port, address
    std::vector<NetnsReading> namespaces; ///< those with a listener, in the same order
    std::chrono::nanoseconds uptime{};    ///< of the host: counters began at most so long ago
    std::vector<std::string> notes;       ///< what could not be seen, for the user
};

/// Takes a snapshot of its own. Errors as choose_namespaces() and take_snapshot().
[[nodiscard]] Expected<Inventory> take_inventory(const InventoryRequest& request);

/// The TCP listeners of `snapshot` in `namespaces`, appended without the readings.
void add_tcp_listeners(Inventory& inventory, const Snapshot& snapshot,
                       const std::vector<NetworkNamespace>& namespaces);

/// Fills in how many share an address and port.
void count_siblings(Inventory& inventory);

/// Sorts, fills in containers and siblings, and reads the namespaces that have a listener.
void finish_inventory(Inventory& inventory, const std::vector<NetworkNamespace>& namespaces);

} // namespace tcpledger
