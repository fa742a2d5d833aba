// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Open connections and those that do not open; listeners that anybody can reach.
#include "analysis/rules.hpp"
#include "analysis/thresholds.hpp"
#include "analysis/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace tcpledger::rules {
namespace {

using std::chrono::milliseconds;

std::int64_t as_number(std::uint64_t number)
{
    return static_cast<std::int64_t>(number);
}

/// Whose other end is on this host, or on this host's loopback: it cannot vanish silently.
class LocalRemotes {
public:
    explicit LocalRemotes(const AuditFacts& facts)
    {
        for (const AuditSocket& socket : facts.sockets) {
            if (!socket.tuple.local.address.is_wildcard()) {
                addresses_.emplace(socket.netns, socket.tuple.local.address);
            }
        }
    }
    [[nodiscard]] bool has(const AuditSocket& socket) const
    {
        return socket.tuple.remote.address.is_loopback() ||
               addresses_.contains({socket.netns, socket.tuple.remote.address});
    }

private:
    std::set<std::pair<std::size_t, IpAddress>> addresses_;
};

/// Idle connections without keepalive of one process in one namespace.
struct Idle {
    std::uint64_t count = 0;
    milliseconds longest{};
    std::map<std::string, std::uint64_t> remotes;
};

std::int64_t keepalive_time(const AuditNetns& netns)
{
    return netns.number("net.ipv4.tcp_keepalive_time").value_or(thresholds::kKeepaliveTimeS);
}

/// How long an open connection had no segment either way; nothing where it has keepalive, or
/// something under way whose loss would show that the other end is gone.
std::optional<milliseconds> unwatched_for(const AuditSocket& socket)
{
    const bool open = !socket.udp && socket.state == TcpState::kEstablished && socket.held &&
                      socket.process != kNobody;
    if (!open || socket.keepalive || socket.send_queue > 0 || !socket.since_segment ||
        !socket.since_data_went) {
        return std::nullopt;
    }
    return std::min(*socket.since_segment, *socket.since_data_went);
}

Finding idle_finding(const AuditNetns& netns, const AuditProcess& process, const Idle& idle)
{
    const std::int64_t time = keepalive_time(netns);
    Finding finding;
    finding.id = "keepalive";
    finding.severity = Severity::kWarning;
    finding.title =
        fmt::format("{} idle connections of {} have no keepalive", idle.count, process.name());
    finding.netns = netns.inum;
    finding.process = process;
    finding.numbers = {{"idle", as_number(idle.count)},
                       {"longest_ms", idle.longest.count()},
                       {"keepalive_time_s", time}};
    finding.evidence = fmt::format(
        "{} ESTABLISHED without SO_KEEPALIVE and without a segment either way for {} s or longer "
        "(tcp_keepalive_time), the longest for {}; to {}{}; {}",
        idle.count, time, words::duration(idle.longest), words::most(idle.remotes),
        words::about(process), words::about(netns));
    finding.meaning = "If the other host or a firewall on the way has forgotten them, nobody here "
                      "will ever know: they hold a descriptor until the program writes. With "
                      "keepalive the kernel would have asked by now.";
    finding.advice.push_back(
        words::act("set SO_KEEPALIVE in " + process.name() +
                       ", or end connections that are idle for longer than it needs",
                   "no sysctl turns keepalive on: each program asks for its own sockets",
                   "a probe every tcp_keepalive_time for each connection"));
    if (time > thresholds::kKeepaliveTimeS) {
        finding.advice.push_back(words::set_sysctl(
            netns, "net.ipv4.tcp_keepalive_time", std::to_string(thresholds::kKeepaliveTimeS),
            fmt::format("the first probe comes after {} s; a NAT may forget a connection that is "
                        "idle for 7440 s (RFC 5382)",
                        time),
            "more probes on connections that have keepalive on"));
    }
    return finding;
}

} // namespace

void syn_sent(const AuditFacts& facts, Findings& findings)
{
    struct Unanswered {
        std::uint64_t count = 0;
        std::uint8_t retransmits = 0;
        std::map<std::size_t, std::uint64_t> processes;
    };
    std::map<std::pair<std::size_t, Endpoint>, Unanswered> remotes;
    for (const AuditSocket& socket : facts.sockets) {
        if (!socket.udp && socket.state == TcpState::kSynSent && socket.retransmits > 0) {
            Unanswered& unanswered = remotes[{socket.netns, socket.tuple.remote}];
            ++unanswered.count;
            unanswered.retransmits = std::max(unanswered.retransmits, socket.retransmits);
            ++unanswered.processes[socket.process];
        }
    }
    for (const auto& [key, unanswered] : remotes) {
        if (unanswered.count < thresholds::kPile) {
            continue;
        }
        std::map<std::string, std::uint64_t> names;
        for (const auto& [process, count] : unanswered.processes) {
            names[process != kNobody ? facts.processes[process].name() : "unknown"] += count;
        }
        Finding finding;
        finding.id = "syn_sent";
        finding.severity = Severity::kWarning;
        finding.title =
            fmt::format("{} connects to {} are not answered", unanswered.count, key.second.text());
        finding.netns = facts.netns[key.first].inum;
        finding.remote = key.second;
        if (unanswered.processes.size() == 1 && unanswered.processes.begin()->first != kNobody) {
            finding.process = facts.processes[unanswered.processes.begin()->first];
        }
        finding.numbers = {{"syn_sent", as_number(unanswered.count)},
                           {"most_retransmits", unanswered.retransmits}};
        finding.evidence = fmt::format(
            "{} SYN_SENT whose SYN was sent again, up to {}, that is for at least {} s; by {}; {}",
            unanswered.count,
            unanswered.retransmits == 1 ? std::string("once")
                                        : fmt::format("{} times", unanswered.retransmits),
            unanswered.retransmits, words::most(names), words::about(facts.netns[key.first]));
        finding.meaning = "Neither an answer nor a reset comes back: a firewall drops them, the "
                          "remote host is gone, or its listener's queue is full. Programs without "
                          "a connect timeout wait for two minutes each.";
        finding.advice.push_back(
            words::act("look at the way to " + key.second.text() +
                           " and at its listener's accept queue; give connect() a time limit",
                       "no sysctl of this host makes the remote answer",
                       "a limit shorter than the remote's slowest answer loses connections"));
        findings.push_back(std::move(finding));
    }
}

void keepalive(const AuditFacts& facts, Findings& findings)
{
    const LocalRemotes local(facts);
    const words::Peers peers(facts);
    std::map<std::pair<std::size_t, std::size_t>, Idle> processes;
    for (const AuditSocket& socket : facts.sockets) {
        const std::optional<milliseconds> idle = unwatched_for(socket);
        if (idle && !local.has(socket) &&
            *idle >= std::chrono::seconds(keepalive_time(facts.netns[socket.netns]))) {
            Idle& entry = processes[{socket.netns, socket.process}];
            ++entry.count;
            entry.longest = std::max(entry.longest, *idle);
            ++entry.remotes[peers.of(socket)];
        }
    }
    for (const auto& [key, idle] : processes) {
        if (idle.count >= thresholds::kIdlePile) {
            findings.push_back(
                idle_finding(facts.netns[key.first], facts.processes[key.second], idle));
        }
    }
}

void wildcard(const AuditFacts& facts, Findings& findings)
{
    for (std::size_t at = 0; at < facts.netns.size(); ++at) {
        const AuditNetns& netns = facts.netns[at];
        const std::int64_t lowest = netns.number("net.ipv4.ip_unprivileged_port_start")
                                        .value_or(thresholds::kUnprivilegedPort);
        std::map<std::string, std::uint64_t> listeners;
        std::uint64_t count = 0;
        for (const AuditSocket& socket : facts.sockets) {
            const bool contained =
                socket.process != kNobody && !facts.processes[socket.process].container.empty();
            if (socket.udp || socket.netns != at || socket.state != TcpState::kListen ||
                !socket.tuple.local.address.is_wildcard() || socket.tuple.local.port < lowest ||
                contained) {
                continue;
            }
            ++count;
            ++listeners[fmt::format(
                "{} {}", socket.tuple.local.text(),
                socket.process != kNobody ? facts.processes[socket.process].name() : "[unknown]")];
        }
        if (count == 0 || !netns.reachable) {
            continue;
        }
        std::string names;
        for (const auto& [name, sockets] : listeners) {
            names += (names.empty() ? "" : ", ") + name;
        }
        Finding finding;
        finding.id = "wildcard";
        finding.severity = Severity::kInfo;
        finding.title =
            fmt::format("{} {} on every address of this host",
                        words::count(count, "unprivileged listener"), count == 1 ? "is" : "are");
        finding.netns = netns.inum;
        finding.numbers = {{"listeners", as_number(count)}, {"from_port", lowest}};
        finding.evidence = fmt::format("{}; ports from {} on (ip_unprivileged_port_start) any user "
                                       "can open; {}",
                                       names, lowest, words::about(netns));
        finding.meaning = "Whoever reaches this host reaches these programs, unless a firewall is "
                          "in between. For databases, caches and debug ports that is rarely meant.";
        finding.advice.push_back(
            words::act("bind those that only this host uses to 127.0.0.1 or ::1",
                       "a wildcard address takes connections from every network",
                       "clients on other hosts can no longer connect"));
        finding.advice.back().command = "tcpledger listen";
        findings.push_back(std::move(finding));
    }
}

} // namespace tcpledger::rules
