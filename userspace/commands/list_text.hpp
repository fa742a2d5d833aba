// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One socket in ss's words: the cells of its row. Names of services, hosts, interfaces,
// cgroups and namespaces are asked of the host, once each.
#pragma once

#include "commands/list_columns.hpp"
#include "commands/options.hpp"
#include "session/listing.hpp"

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace tcpledger {

/// What stands for an address or a port.
class EndpointNames {
public:
    /// `numeric`: ports as numbers; `resolve`: hosts by name.
    EndpointNames(bool numeric, bool resolve) : numeric_(numeric), resolve_(resolve) {}

    /// "80", "http", "*"; a port that the kernel gives out itself has no name.
    void append_port(std::string& out, std::uint16_t port, bool udp, const PortRange& ephemeral);

    /// As ss writes an address of a socket of `family`: "127.0.0.1", "[::ffff:10.0.0.1]", "*".
    void append_address(std::string& out, const IpAddress& address, std::uint8_t family,
                        bool ipv6_only);

private:
    [[nodiscard]] const std::string& host_of(const IpAddress& address, std::uint8_t family);

    bool numeric_;
    bool resolve_;
    std::unordered_map<std::uint32_t, std::string> services_; ///< by port, and protocol above it
    std::map<IpAddress, std::string> hosts_;                  ///< empty: has no name
};

class ListText {
public:
    /// All outlive this object.
    ListText(const ListOptions& options, const NamespaceList& namespaces, HostNames& names);

    /// Appends the socket's row to `columns`.
    void append(ListColumns& columns, const ListedSocket& socket);

    /// How a namespace is shown: its name in /run/netns, else its number.
    void append_netns(std::string& out, std::uint32_t inum) const;

private:
    struct Place {
        const NetworkNamespace* netns = nullptr;
        PortRange ports;
        bool ports_known = false;
    };

    void append_endpoints(ListColumns& columns, const SocketRow& row);
    void append_process(std::string& out, const ListedSocket& socket);
    void append_extended(std::string& out, const SocketRow& row);
    [[nodiscard]] Place& place_of(std::uint32_t inum);

    const ListOptions& options_;
    HostNames& names_;
    EndpointNames endpoints_;
    std::unordered_map<std::uint32_t, Place> places_;
    Place* last_place_ = nullptr;
};

/// " users:((…),(…))", the holders as ss orders them; else " owner:((…))" of who else it
/// belongs to and how that is known; else nothing.
void append_users(std::string& out, const ListedSocket& socket);

/// " timer:(keepalive,119min,0)", or nothing where none runs.
void append_timer(std::string& out, const SocketRow& row);

} // namespace tcpledger
