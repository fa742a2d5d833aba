// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The names that only this host can resolve, for filters and for columns: services,
// interfaces, cgroups, network namespaces, hosts. It knows no sockets.
#pragma once

#include "filter/names.hpp"
#include "netlink/namespaces.hpp"
#include "procfs/cgroups.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tcpledger {

/// An interface's index that no interface has.
inline constexpr std::uint32_t kNoInterface = 0xffffffff;

/// The namespaces that `word` asks for: "all" (those that may be entered), "self", a name of
/// /run/netns, an inode number or a path. Without a word all if they may be entered, else our
/// own. kUsage where there is no such namespace.
[[nodiscard]] Expected<NamespaceList> choose_namespaces(const std::optional<std::string>& word);

class HostNames {
public:
    /// `namespaces` are those that are looked at; they outlive this object.
    explicit HostNames(const NamespaceList& namespaces)
        : namespaces_(namespaces), cgroups_(CgroupTree::open())
    {
    }

    /// For filters of sockets in `netns` (of the list); nullptr: in any of them. An interface
    /// that only another namespace of the list has is kNoInterface there. Valid as long as this.
    [[nodiscard]] Names names_in(const NetworkNamespace* netns);

    [[nodiscard]] CgroupTree& cgroups() noexcept { return cgroups_; }

    /// "lo"; nothing where the namespace has no such interface.
    [[nodiscard]] const std::optional<std::string>& interface_name(const NetworkNamespace& netns,
                                                                   std::uint32_t index);

private:
    [[nodiscard]] std::optional<std::uint32_t> interface_index(const NetworkNamespace* netns,
                                                               const std::string& name) const;

    const NamespaceList& namespaces_;
    CgroupTree cgroups_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::optional<std::string>> interfaces_;
};

/// ip_local_port_range of a namespace, both ends included.
struct PortRange {
    std::uint16_t first = 32768;
    std::uint16_t last = 60999;
    [[nodiscard]] bool contains(std::uint16_t port) const { return port >= first && port <= last; }
};

/// Of the calling thread's namespace.
[[nodiscard]] PortRange own_port_range();

/// The kernel's default where it cannot be read.
[[nodiscard]] PortRange local_port_range(const NetworkNamespace& netns);

} // namespace tcpledger
