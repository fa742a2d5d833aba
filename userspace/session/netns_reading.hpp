// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a network namespace tells about itself beside its sockets: counters, totals, settings,
// whether it can be reached from outside. Read from inside; it judges nothing.
#pragma once

#include "base/error.hpp"
#include "netlink/namespaces.hpp"
#include "procfs/net.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tcpledger {

struct NetnsReading {
    std::uint32_t inum = 0;
    std::string name;      ///< in /run/netns (untrusted bytes), else empty
    std::uint32_t pid = 0; ///< a process inside, 0: none known
    bool own = false;      ///< the one we run in
    NetCounters counters;
    SocketTotals totals;
    /// By name ("net.core.somaxconn"), as the kernel writes them; those this kernel has.
    std::map<std::string, std::string, std::less<>> sysctls;
    bool reachable = false; ///< an interface that is up has an address other than loopback

    /// "netns web (4026532001)": for people.
    [[nodiscard]] std::string label() const;
};

/// Reads those of the settings, and all of the rest. kNotPermitted without
/// CAP_SYS_ADMIN, unless it is our own.
[[nodiscard]] Expected<NetnsReading> read_netns(const NetworkNamespace& netns,
                                                std::span<const char* const> sysctl_names);

/// Our own network namespace's number, 0 where it cannot be told.
[[nodiscard]] std::uint32_t own_netns_inum();

} // namespace tcpledger
