// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a filter asks about the network namespace of a socket: how its interfaces are called, and
// which ports connect() chooses from. It keeps no namespace alive.
#pragma once

#include "filter/socket_view.hpp"
#include "session/host_names.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

namespace tcpledger {

struct InterfacesAndPorts {
    std::unordered_map<std::uint32_t, std::string> interfaces; ///< by index
    PortRange ports;
};

/// By the namespace's inode number; those that may be entered.
using FactsByNamespace = std::unordered_map<std::uint32_t, InterfacesAndPorts>;

/// Of every namespace there is now.
[[nodiscard]] FactsByNamespace read_namespace_facts();

class NamespaceFacts {
public:
    using Read = std::function<FactsByNamespace()>;
    using Clock = std::function<std::chrono::nanoseconds()>;

    explicit NamespaceFacts(Read read = read_namespace_facts, Clock clock = now);

    /// Fills in `interface_name` and `autobound`, by the namespace, device, port and origin of the
    /// port that are there. Valid until the next call.
    void complete(SocketView& view);

private:
    /// Interfaces are renamed and ranges set: read again after so long, or so many times the cost.
    static constexpr std::chrono::seconds kLasts{10};
    static constexpr int kShare = 100;

    [[nodiscard]] static std::chrono::nanoseconds now();
    [[nodiscard]] bool knows(std::uint32_t netns_inum, std::uint32_t interface_index) const;
    void read_anew();

    Read read_;
    Clock clock_;
    FactsByNamespace known_;
    /// What was not there at the last reading; asking again at once would not help.
    std::set<std::pair<std::uint32_t, std::uint32_t>> missing_;
    std::chrono::nanoseconds next_ = std::chrono::nanoseconds::min();
};

} // namespace tcpledger
