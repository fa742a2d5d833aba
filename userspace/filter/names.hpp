// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The names that a filter may use and only the host can resolve. The parser asks, the
// caller knows where (/etc/services, the interfaces, cgroup2, /run/netns, the resolver);
// a function left empty resolves nothing.
#pragma once

#include "base/endpoint.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace tcpledger {

struct Names {
    /// "https" → 443, host order.
    std::function<std::optional<std::uint16_t>(std::string_view)> service_port;
    /// "eth0" → its index in the namespace that is looked at.
    std::function<std::optional<std::uint32_t>(std::string_view)> interface_index;
    /// A cgroup v2 path → its id.
    std::function<std::optional<std::uint64_t>(std::string_view)> cgroup_id;
    /// A namespace's name → its inode number.
    std::function<std::optional<std::uint32_t>(std::string_view)> netns_inum;
    /// A host name → all its addresses, IPv4 as mapped ones; empty when it has none.
    std::function<std::vector<IpAddress>(std::string_view)> host_addresses;
};

} // namespace tcpledger
