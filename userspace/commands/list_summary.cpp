// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/list_summary.hpp"

#include "procfs/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <sstream>

namespace tcpledger {
namespace {

constexpr std::size_t kMaxFileBytes = 64 * 1024;

/// The number after `name` in the line that begins with `label`, 0 where there is none.
std::uint64_t number_of(std::string_view text, std::string_view label, std::string_view name)
{
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string word;
        if (!(words >> word) || word != label) {
            continue;
        }
        std::uint64_t number = 0;
        while (words >> word >> number) {
            if (word == name) {
                return number;
            }
        }
    }
    return 0;
}

std::string text_of(const char* path)
{
    return procfs::read_file(path, kMaxFileBytes).value_or(std::string());
}

void add_families(SocketSummary::Families& sum, const SocketSummary::Families& other)
{
    sum.ipv4 += other.ipv4;
    sum.ipv6 += other.ipv6;
}

} // namespace

void SocketSummary::add(const SocketSummary& other)
{
    total += other.total;
    tcp_allocated = std::max(tcp_allocated, other.tcp_allocated);
    orphans = std::max(orphans, other.orphans);
    time_wait += other.time_wait;
    established += other.established;
    add_families(tcp, other.tcp);
    add_families(udp, other.udp);
    add_families(raw, other.raw);
    add_families(fragments, other.fragments);
}

SocketSummary parse_summary(std::string_view sockstat, std::string_view sockstat6,
                            std::string_view snmp)
{
    SocketSummary summary;
    summary.total = number_of(sockstat, "sockets:", "used");
    summary.tcp_allocated = number_of(sockstat, "TCP:", "alloc");
    summary.orphans = number_of(sockstat, "TCP:", "orphan");
    summary.time_wait = number_of(sockstat, "TCP:", "tw");
    summary.tcp = {number_of(sockstat, "TCP:", "inuse"), number_of(sockstat6, "TCP6:", "inuse")};
    summary.udp = {number_of(sockstat, "UDP:", "inuse"), number_of(sockstat6, "UDP6:", "inuse")};
    summary.raw = {number_of(sockstat, "RAW:", "inuse"), number_of(sockstat6, "RAW6:", "inuse")};
    summary.fragments = {number_of(sockstat, "FRAG:", "inuse"),
                         number_of(sockstat6, "FRAG6:", "inuse")};
    NetCounters counters;
    counters.add(snmp);
    summary.established = static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, counters.value("Tcp", "CurrEstab").value_or(0)));
    return summary;
}

Expected<SocketSummary> read_summary(const NamespaceList& namespaces)
{
    SocketSummary sum;
    std::size_t read = 0;
    std::optional<Error> failure;
    for (const NetworkNamespace& netns : namespaces.namespaces) {
        SocketSummary one;
        const auto look = [&] {
            one = parse_summary(text_of("/proc/thread-self/net/sockstat"),
                                text_of("/proc/thread-self/net/sockstat6"),
                                text_of("/proc/thread-self/net/snmp"));
        };
        // Our own, when it is the only one, need not be entered.
        const bool alone = namespaces.namespaces.size() == 1;
        const Expected<void> entered = enter_namespace(netns.fd.get(), look);
        if (!entered && alone) {
            look();
        } else if (!entered) {
            failure = entered.error();
            continue;
        }
        ++read;
        sum.add(one);
    }
    if (read == 0 && failure) {
        return tl::unexpected(*failure);
    }
    return sum;
}

std::string render_summary(const SocketSummary& summary)
{
    const auto closed = static_cast<std::int64_t>(summary.tcp_allocated + summary.time_wait) -
                        static_cast<std::int64_t>(summary.tcp.ipv4 + summary.tcp.ipv6);
    std::string out = fmt::format("Total: {}\nTCP:   {} (estab {}, closed {}, orphaned {}, "
                                  "timewait {})\n\nTransport Total     IP        IPv6\n",
                                  summary.total, summary.tcp_allocated + summary.time_wait,
                                  summary.established, closed, summary.orphans, summary.time_wait);
    const auto line = [&](const char* name, const SocketSummary::Families& families) {
        fmt::format_to(std::back_inserter(out), "{}\t  {:<9} {:<9} {:<9}\n", name,
                       families.ipv4 + families.ipv6, families.ipv4, families.ipv6);
    };
    line("RAW", summary.raw);
    line("UDP", summary.udp);
    line("TCP", summary.tcp);
    SocketSummary::Families inet;
    for (const auto* part : {&summary.raw, &summary.udp, &summary.tcp}) {
        add_families(inet, *part);
    }
    line("INET", inet);
    line("FRAG", summary.fragments);
    out += '\n';
    return out;
}

} // namespace tcpledger
