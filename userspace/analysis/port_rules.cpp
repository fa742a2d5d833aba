// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What TIME_WAIT and its like use up: ephemeral ports towards a remote, and the kernel's bound on
// such sockets.
#include "analysis/ephemeral_ports.hpp"
#include "analysis/rules.hpp"
#include "analysis/thresholds.hpp"
#include "analysis/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bitset>
#include <map>
#include <set>
#include <tuple>

namespace tcpledger::rules {
namespace {

/// connect() needs a port that is free for this pair.
struct Path {
    std::size_t netns = 0;
    IpAddress local;
    Endpoint remote;

    auto operator<=>(const Path&) const = default;
};

struct Use {
    std::map<std::uint16_t, TcpState> ports;
    std::map<std::string, std::uint64_t> processes;
    std::uint64_t time_wait = 0;
    std::uint64_t established = 0;
};

std::string text_of(const AuditNetns& netns, std::string_view sysctl)
{
    const auto found = netns.sysctls.find(sysctl);
    return found != netns.sysctls.end() ? found->second : std::string();
}

std::optional<EphemeralPorts> ports_of(const AuditNetns& netns)
{
    return EphemeralPorts::parse(text_of(netns, "net.ipv4.ip_local_port_range"),
                                 text_of(netns, "net.ipv4.ip_local_reserved_ports"));
}

/// Whether connect() takes over ports that are in TIME_WAIT on this path.
bool reuses_time_wait(const AuditNetns& netns, const Path& path)
{
    const std::int64_t reuse = netns.number("net.ipv4.tcp_tw_reuse").value_or(0);
    const bool stamps = netns.number("net.ipv4.tcp_timestamps").value_or(1) != 0;
    return stamps && (reuse == 1 || (reuse == 2 && path.remote.address.is_loopback()));
}

/// Connections made from here, by path: those with an ephemeral port that nobody listens on.
std::map<Path, Use> uses_of(const AuditFacts& facts)
{
    std::vector<std::optional<EphemeralPorts>> ranges;
    ranges.reserve(facts.netns.size());
    for (const AuditNetns& netns : facts.netns) {
        ranges.push_back(ports_of(netns));
    }
    std::set<std::pair<std::size_t, std::uint16_t>> listening;
    for (const AuditSocket& socket : facts.sockets) {
        if (!socket.udp && socket.state == TcpState::kListen) {
            listening.emplace(socket.netns, socket.tuple.local.port);
        }
    }
    std::map<Path, Use> uses;
    for (const AuditSocket& socket : facts.sockets) {
        const Endpoint& local = socket.tuple.local;
        const std::optional<EphemeralPorts>& range = ranges[socket.netns];
        if (socket.udp || socket.tuple.remote.port == 0 || !range || !range->contains(local.port) ||
            listening.contains({socket.netns, local.port})) {
            continue;
        }
        Use& use = uses[{socket.netns, local.address, socket.tuple.remote}];
        if (!use.ports.emplace(local.port, socket.state).second) {
            continue;
        }
        use.time_wait += socket.state == TcpState::kTimeWait ? 1U : 0U;
        use.established += socket.state == TcpState::kEstablished ? 1U : 0U;
        if (socket.process != kNobody) {
            ++use.processes[facts.processes[socket.process].name()];
        }
    }
    return uses;
}

Advice widen_range(const AuditNetns& netns, const EphemeralPorts& range, std::uint64_t used)
{
    const std::int64_t lowest =
        netns.number("net.ipv4.ip_unprivileged_port_start").value_or(thresholds::kUnprivilegedPort);
    const std::int64_t low =
        std::clamp<std::int64_t>(lowest, thresholds::kUnprivilegedPort, range.low());
    return words::set_sysctl(
        netns, "net.ipv4.ip_local_port_range", fmt::format("{} 65535", low),
        fmt::format("{} of {} ports are taken towards this one remote; the new range has {}", used,
                    range.size(), 65536 - low),
        "a service that starts later can find its port taken: name the ports of services in "
        "net.ipv4.ip_local_reserved_ports first");
}

/// Why so many are in TIME_WAIT, and how to live with them.
void advise_time_wait(const AuditNetns& netns, const Path& path, const Use& use, std::uint64_t used,
                      Finding& finding)
{
    finding.advice.push_back(
        words::act("keep connections to this remote open and use them again (keep-alive, a pool), "
                   "or let the remote close first",
                   fmt::format("{} of the {} taken ports are in TIME_WAIT, for 60 s each: closed "
                               "connections, not open ones",
                               use.time_wait, used)));
    if (netns.number("net.ipv4.tcp_timestamps").value_or(1) == 0) {
        return; // without timestamps tcp_tw_reuse does nothing
    }
    finding.advice.push_back(words::set_sysctl(
        netns, "net.ipv4.tcp_tw_reuse", path.remote.address.is_loopback() ? "2" : "1",
        fmt::format("connect() may then take over the {} ports in TIME_WAIT once they are a second "
                    "old",
                    use.time_wait),
        "needs TCP timestamps on both sides; behind a NAT or balancer that mixes several hosts' "
        "timestamps a new connection can be refused or take in old data"));
}

void advise_ports(const AuditNetns& netns, const EphemeralPorts& range, const Use& use,
                  std::uint64_t used, Finding& finding)
{
    if (range.high() < 65535 || range.low() > thresholds::kUnprivilegedPort) {
        finding.advice.push_back(widen_range(netns, range, used));
    }
    if (range.reserved() >= range.size()) {
        finding.advice.push_back(words::set_sysctl(
            netns, "net.ipv4.ip_local_reserved_ports", "",
            fmt::format("it keeps {} of the range's {} ports from connect()", range.reserved(),
                        range.reserved() + range.size()),
            "a service whose port is no longer reserved can find it taken: keep those that are "
            "meant"));
    }
    finding.advice.push_back(
        words::act("use more local addresses, or more addresses or ports of the remote: each pair "
                   "has its own ports",
                   fmt::format("{} connections are open at the same time", used - use.time_wait)));
}

Finding ports_finding(const AuditNetns& netns, const EphemeralPorts& range, const Path& path,
                      const Use& use, std::uint64_t used)
{
    const std::uint64_t left = range.size() - used;
    Finding finding;
    finding.id = "ephemeral_ports";
    finding.severity = words::reaches(used, range.size(), thresholds::kAlmostPercent)
                           ? Severity::kCritical
                           : Severity::kWarning;
    finding.title =
        fmt::format("{} of {} ports are left towards {}", left, range.size(), path.remote.text());
    finding.netns = netns.inum;
    finding.remote = path.remote;
    finding.numbers = {{"used", static_cast<std::int64_t>(used)},
                       {"left", static_cast<std::int64_t>(left)},
                       {"available", static_cast<std::int64_t>(range.size())},
                       {"reserved", static_cast<std::int64_t>(range.reserved())},
                       {"time_wait", static_cast<std::int64_t>(use.time_wait)},
                       {"established", static_cast<std::int64_t>(use.established)}};
    finding.evidence = fmt::format(
        "from {} to {}: {} TIME_WAIT, {} ESTABLISHED, {} others; ip_local_port_range {} {}, {} "
        "reserved; by {}; {}",
        path.local.text(), path.remote.text(), use.time_wait, use.established,
        use.ports.size() - use.time_wait - use.established, range.low(), range.high(),
        range.reserved(),
        use.processes.empty() ? "processes that have let go of them" : words::most(use.processes),
        words::about(netns));
    finding.meaning =
        "Every connection to one remote address and port needs a local port of its own. From half "
        "of the range on each connect() searches long for a free one; when none is left it fails "
        "with EADDRNOTAVAIL (cannot assign requested address).";
    return finding;
}

/// The sockets that tcp_max_tw_buckets bounds.
struct Buckets {
    std::uint64_t time_wait = 0;
    std::uint64_t fin_wait2 = 0; ///< after close()
    std::map<std::string, std::uint64_t> remotes;

    [[nodiscard]] std::uint64_t all() const { return time_wait + fin_wait2; }
};

std::vector<Buckets> buckets_by_netns(const AuditFacts& facts)
{
    std::vector<Buckets> counts(facts.netns.size());
    for (const AuditSocket& socket : facts.sockets) {
        if (!socket.mini) {
            continue;
        }
        Buckets& mine = counts[socket.netns];
        ++(socket.state == TcpState::kTimeWait ? mine.time_wait : mine.fin_wait2);
        ++mine.remotes[socket.tuple.remote.address.text()];
    }
    return counts;
}

void advise_buckets(const AuditNetns& netns, const Buckets& buckets, std::int64_t limit,
                    Finding& finding)
{
    if (buckets.fin_wait2 > buckets.time_wait) {
        const std::int64_t timeout =
            netns.number("net.ipv4.tcp_fin_timeout").value_or(thresholds::kFinTimeoutS);
        finding.advice.push_back(words::set_sysctl(
            netns, "net.ipv4.tcp_fin_timeout",
            std::to_string(std::max<std::int64_t>(timeout / 2, 1)),
            fmt::format("{} of the {} wait in FIN_WAIT2 for peers that do not close; half the time "
                        "is half as many",
                        buckets.fin_wait2, buckets.all()),
            "a peer that needs longer to send its rest is answered by a reset"));
    }
    const std::uint64_t greater =
        std::max(buckets.all(), static_cast<std::uint64_t>(std::max<std::int64_t>(limit, 0)));
    finding.advice.push_back(words::set_sysctl(
        netns, "net.ipv4.tcp_max_tw_buckets", std::to_string(words::round_up(2 * greater)),
        fmt::format("{} are in use, {} allowed", buckets.all(), limit),
        "each takes about a quarter of a KiB of kernel memory; lowering it instead would drop "
        "connections, not save ports"));
}

} // namespace

void ephemeral_ports(const AuditFacts& facts, Findings& findings)
{
    for (const auto& [path, use] : uses_of(facts)) {
        const AuditNetns& netns = facts.netns[path.netns];
        const std::optional<EphemeralPorts> range = ports_of(netns);
        const std::uint64_t used =
            use.ports.size() - (reuses_time_wait(netns, path) ? use.time_wait : 0);
        if (!range || !words::reaches(used, range->size(), thresholds::kPortsPercent)) {
            continue;
        }
        Finding finding = ports_finding(netns, *range, path, use, used);
        if (!reuses_time_wait(netns, path) && use.time_wait * 2 >= used) {
            advise_time_wait(netns, path, use, used, finding);
        }
        advise_ports(netns, *range, use, used, finding);
        findings.push_back(std::move(finding));
    }
}

void time_wait_buckets(const AuditFacts& facts, Findings& findings)
{
    const std::vector<Buckets> counts = buckets_by_netns(facts);
    for (std::size_t at = 0; at < facts.netns.size(); ++at) {
        const AuditNetns& netns = facts.netns[at];
        const Buckets& buckets = counts[at];
        const std::int64_t limit = netns.number("net.ipv4.tcp_max_tw_buckets").value_or(0);
        const std::int64_t overflowed = netns.moved("TCPTimeWaitOverflow");
        const bool near =
            limit > 0 && words::reaches(buckets.all(), static_cast<std::uint64_t>(limit),
                                        thresholds::kAlmostPercent);
        if (!near && overflowed == 0) {
            continue;
        }
        Finding finding;
        finding.id = "time_wait_buckets";
        finding.severity = Severity::kWarning;
        finding.title =
            overflowed > 0
                ? fmt::format("{} ended without TIME_WAIT, for want of room",
                              words::count(static_cast<std::uint64_t>(overflowed), "connection"))
                : fmt::format("TIME_WAIT takes {} of {} places", buckets.all(), limit);
        finding.netns = netns.inum;
        finding.numbers = {{"time_wait", static_cast<std::int64_t>(buckets.time_wait)},
                           {"fin_wait2", static_cast<std::int64_t>(buckets.fin_wait2)},
                           {"limit", limit},
                           {"overflowed", overflowed},
                           {"interval_ms", facts.interval.count()}};
        finding.evidence =
            fmt::format("{} TIME_WAIT and {} FIN_WAIT2 after close, tcp_max_tw_buckets: {}; "
                        "TCPTimeWaitOverflow moved by {} in {} ms; remotes {}; {}",
                        buckets.time_wait, buckets.fin_wait2, limit, overflowed,
                        facts.interval.count(), words::most(buckets.remotes), words::about(netns));
        finding.meaning = "At the limit the kernel drops connections right after close instead of "
                          "keeping TIME_WAIT: late segments are answered by a reset, and a last "
                          "FIN that was lost is not repeated.";
        advise_buckets(netns, buckets, limit, finding);
        findings.push_back(std::move(finding));
    }
}

} // namespace tcpledger::rules
