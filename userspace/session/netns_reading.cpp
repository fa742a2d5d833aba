// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/netns_reading.hpp"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include <memory>
#include <utility>

namespace tcpledger {
namespace {

std::optional<std::uint32_t> inum_of(const std::string& path)
{
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(status.st_ino);
}

bool leads_outside(const ifaddrs& entry)
{
    if (entry.ifa_addr == nullptr || (entry.ifa_flags & IFF_UP) == 0 ||
        (entry.ifa_flags & IFF_LOOPBACK) != 0) {
        return false;
    }
    if (entry.ifa_addr->sa_family == AF_INET) {
        return true;
    }
    // A link-local address comes by itself and reaches the same link only.
    return entry.ifa_addr->sa_family == AF_INET6 &&
           !IN6_IS_ADDR_LINKLOCAL(
               &reinterpret_cast<const sockaddr_in6*>(entry.ifa_addr)->sin6_addr);
}

/// Of the calling thread's namespace.
bool has_outside_address()
{
    struct Free {
        void operator()(ifaddrs* list) const noexcept { ::freeifaddrs(list); }
    };
    ifaddrs* raw = nullptr;
    if (::getifaddrs(&raw) != 0) {
        return false;
    }
    const std::unique_ptr<ifaddrs, Free> list(raw);
    for (const ifaddrs* entry = list.get(); entry != nullptr; entry = entry->ifa_next) {
        if (leads_outside(*entry)) {
            return true;
        }
    }
    return false;
}

/// In the calling thread's namespace, which /proc/thread-self and /proc/sys follow.
Expected<NetnsReading> read_here(std::span<const char* const> sysctl_names)
{
    NetnsReading reading;
    Expected<NetCounters> counters = read_net_counters();
    if (!counters) {
        return tl::unexpected(counters.error());
    }
    reading.counters = *std::move(counters);
    const Expected<SocketTotals> totals = read_socket_totals();
    if (!totals) {
        return tl::unexpected(totals.error());
    }
    reading.totals = *totals;
    const Sysctls sysctls;
    for (const char* const name : sysctl_names) {
        if (Expected<std::string> text = sysctls.text(name)) {
            reading.sysctls.emplace(name, *std::move(text));
        }
    }
    reading.reachable = has_outside_address();
    return reading;
}

} // namespace

std::string NetnsReading::label() const
{
    return name.empty() ? fmt::format("netns {}", inum) : fmt::format("netns {} ({})", name, inum);
}

std::uint32_t own_netns_inum()
{
    return inum_of("/proc/self/ns/net").value_or(0);
}

Expected<NetnsReading> read_netns(const NetworkNamespace& netns,
                                  std::span<const char* const> sysctl_names)
{
    const bool own = netns.inum == own_netns_inum();
    Expected<NetnsReading> reading =
        run_in_namespace(own ? -1 : netns.fd.get(), [&] { return read_here(sysctl_names); });
    if (reading) {
        reading->inum = netns.inum;
        reading->name = netns.name;
        reading->pid = netns.pid;
        reading->own = own;
    }
    return reading;
}

} // namespace tcpledger
