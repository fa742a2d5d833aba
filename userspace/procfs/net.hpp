// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The kernel's own totals and settings for TCP as /proc shows them: sockstat, the counters
// of netstat and snmp, sysctls. Parsing is pure and total on any bytes. It knows no connections.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tcpledger {

/// /proc/net/sockstat and sockstat6. What the kernel did not say is unknown.
struct SocketTotals {
    /// Of this network namespace; hashed sockets: no TIME_WAIT, no half-open, no closed ones.
    std::optional<std::uint64_t> tcp_in_use;  ///< AF_INET sockets
    std::optional<std::uint64_t> tcp6_in_use; ///< AF_INET6 sockets, those that carry IPv4 included
    std::optional<std::uint64_t> time_wait;   ///< of this namespace, both families, both substates
    /// Of the whole host.
    std::optional<std::uint64_t> orphans;
    std::optional<std::uint64_t> allocated;
    std::optional<std::uint64_t> memory_pages;

    bool operator==(const SocketTotals&) const = default;
};

/// Either text may be empty.
[[nodiscard]] SocketTotals parse_sockstat(std::string_view sockstat, std::string_view sockstat6);

/// `net_directory`: /proc/PID/net for that process's network namespace, /proc/thread-self/net for
/// the caller's. A kernel without IPv6 has no sockstat6; that is no error.
[[nodiscard]] Expected<SocketTotals>
read_socket_totals(const std::filesystem::path& net_directory = "/proc/thread-self/net");

/// The counters of /proc/net/netstat and /proc/net/snmp by their names there.
class NetCounters {
public:
    /// Takes what is well-formed: a line of names and the line of as many values after it.
    void add(std::string_view text);

    /// ("TcpExt", "ListenOverflows"), ("Tcp", "RetransSegs"); nothing if this kernel has none.
    [[nodiscard]] std::optional<std::int64_t> value(std::string_view group,
                                                    std::string_view name) const;
    [[nodiscard]] bool empty() const noexcept { return values_.empty(); }

private:
    std::map<std::string, std::int64_t, std::less<>> values_; ///< by "group:name"
};

/// netstat and snmp below `net_directory`, see read_socket_totals().
[[nodiscard]] Expected<NetCounters>
read_net_counters(const std::filesystem::path& net_directory = "/proc/thread-self/net");

/// The numbers of a sysctl's text ("32768\t60999"); nothing if there are none or anything else
/// is among them. One beyond 64 bits with a sign is held at the greatest.
[[nodiscard]] std::optional<std::vector<std::int64_t>> parse_sysctl_numbers(std::string_view text);

/// The settings below /proc/sys.
class Sysctls {
public:
    explicit Sysctls(std::filesystem::path proc_root = "/proc") : root_(std::move(proc_root)) {}

    /// `name` as sysctl(8) has it: "net.ipv4.tcp_congestion_control". Without the line end.
    /// Errors: ENOENT where this kernel has none, EINVAL for what cannot be a name.
    [[nodiscard]] Expected<std::string> text(std::string_view name) const;
    /// "net.ipv4.tcp_fin_timeout"
    [[nodiscard]] Expected<std::int64_t> number(std::string_view name) const;
    /// "net.ipv4.ip_local_port_range"
    [[nodiscard]] Expected<std::vector<std::int64_t>> numbers(std::string_view name) const;

private:
    std::filesystem::path root_;
};

/// Open files of the whole host.
struct FileTotals {
    std::uint64_t allocated = 0;
    std::uint64_t max = 0; ///< fs.file-max
};

/// /proc/sys/fs/file-nr.
[[nodiscard]] Expected<FileTotals> read_file_totals(const Sysctls& sysctls);

} // namespace tcpledger
