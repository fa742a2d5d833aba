// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `list -s`: ss's summary, from the kernel's own totals; no sockets are listed.
#pragma once

#include "netlink/namespaces.hpp"
#include "procfs/net.hpp"

#include <cstdint>
#include <string>

namespace tcpledger {

/// Of one namespace, or summed up over several.
struct SocketSummary {
    std::uint64_t total = 0;         ///< sockets of any kind
    std::uint64_t tcp_allocated = 0; ///< of the whole host, as the kernel counts them
    std::uint64_t orphans = 0;       ///< of the whole host
    std::uint64_t time_wait = 0;
    std::uint64_t established = 0; ///< CLOSE_WAIT included (CurrEstab)
    struct Families {
        std::uint64_t ipv4 = 0;
        std::uint64_t ipv6 = 0;
    };
    Families tcp;
    Families udp;
    Families raw;
    Families fragments;

    /// Adds another namespace's; figures of the whole host are taken as they are.
    void add(const SocketSummary& other);
};

/// From the texts of /proc/net/sockstat, sockstat6 and snmp; what is missing counts 0.
[[nodiscard]] SocketSummary parse_summary(std::string_view sockstat, std::string_view sockstat6,
                                          std::string_view snmp);

/// Of all of `namespaces`.
[[nodiscard]] Expected<SocketSummary> read_summary(const NamespaceList& namespaces);

/// ss's lines, byte for byte.
[[nodiscard]] std::string render_summary(const SocketSummary& summary);

} // namespace tcpledger
