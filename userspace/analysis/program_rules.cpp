// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What programs do, or leave undone, with open connections and sockets.
#include "analysis/rules.hpp"
#include "analysis/thresholds.hpp"
#include "analysis/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace tcpledger::rules {
namespace {

using std::chrono::milliseconds;

std::int64_t as_number(std::uint64_t number)
{
    return static_cast<std::int64_t>(number);
}

Advice plain_advice(std::string action, std::string why, std::string risk)
{
    Advice advice;
    advice.action = std::move(action);
    advice.why = std::move(why);
    advice.risk = std::move(risk);
    return advice;
}

/// Unread sockets of one process in one namespace.
struct Unread {
    std::uint64_t full = 0; ///< half of the receive buffer and more
    std::uint64_t old = 0;  ///< the last bytes came kUnread ago or longer
    std::uint64_t bytes = 0;
    milliseconds oldest{};
    std::map<std::string, std::uint64_t> remotes;
};

/// There is something to read, and nothing was read between the looks.
bool is_unread(const AuditSocket& socket)
{
    const std::uint32_t fin = socket.state == TcpState::kCloseWait ? 1 : 0; // counted as a byte
    return !socket.udp && socket.held && socket.process != kNobody && socket.recv_queue > fin &&
           socket.state != TcpState::kListen && socket.recv_queue_before.value_or(0) > 0 &&
           socket.consumed && socket.consumed == socket.consumed_before;
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
            plain_advice("look at the way to " + key.second.text() +
                             " and at its listener's accept queue; give connect() a time limit",
                         "no sysctl of this host makes the remote answer",
                         "a limit shorter than the remote's slowest answer loses connections"));
        findings.push_back(std::move(finding));
    }
}

void recv_queue(const AuditFacts& facts, Findings& findings)
{
    std::map<std::pair<std::size_t, std::size_t>, Unread> processes;
    for (const AuditSocket& socket : facts.sockets) {
        if (!is_unread(socket)) {
            continue;
        }
        const bool full =
            words::reaches(socket.recv_memory, socket.recv_buffer, thresholds::kBufferPercent);
        const milliseconds age = socket.since_data_came.value_or(milliseconds(0));
        if (!full && age < thresholds::kUnread) {
            continue;
        }
        Unread& unread = processes[{socket.netns, socket.process}];
        unread.full += full ? 1U : 0U;
        unread.old += age >= thresholds::kUnread ? 1U : 0U;
        unread.bytes += socket.recv_queue;
        unread.oldest = std::max(unread.oldest, age);
        ++unread.remotes[socket.tuple.remote.text()];
    }
    for (const auto& [key, unread] : processes) {
        if (unread.full == 0 && unread.old < thresholds::kPile) {
            continue;
        }
        const AuditProcess& process = facts.processes[key.second];
        std::uint64_t sockets = 0;
        for (const auto& [remote, count] : unread.remotes) {
            sockets += count;
        }
        Finding finding;
        finding.id = "recv_queue";
        finding.severity = Severity::kWarning;
        finding.title = fmt::format("{} does not read {} bytes on {}", process.name(), unread.bytes,
                                    words::count(sockets, "connection"));
        finding.netns = facts.netns[key.first].inum;
        finding.process = process;
        finding.numbers = {{"sockets", as_number(sockets)},
                           {"bytes", as_number(unread.bytes)},
                           {"half_full", as_number(unread.full)},
                           {"unread_at_least_ms", unread.oldest.count()},
                           {"interval_ms", facts.interval.count()}};
        finding.evidence = fmt::format(
            "nothing was read in {} ms; {} with half of the receive buffer or more, {} whose last "
            "bytes came {} s ago or earlier (the oldest {}); from {}{}; {}",
            facts.interval.count(), unread.full, unread.old, thresholds::kUnread.count() / 1000,
            words::duration(unread.oldest), words::most(unread.remotes), words::about(process),
            words::about(facts.netns[key.first]));
        finding.meaning = "Data have arrived and the program does not read: it is blocked (a lock, "
                          "a slow disk, a full pipe behind it), or it has forgotten these sockets. "
                          "When the buffer is full the peer may send no more.";
        finding.advice.push_back(
            plain_advice("see where " + process.name() + " waits",
                         "a larger buffer only fills later: nothing was read at all", "none"));
        finding.advice.back().command =
            fmt::format("cat /proc/{}/stack /proc/{}/wchan", process.pid, process.pid);
        findings.push_back(std::move(finding));
    }
}

void udp_recv_queue(const AuditFacts& facts, Findings& findings)
{
    for (const AuditSocket& socket : facts.sockets) {
        if (!socket.udp) {
            continue;
        }
        const std::uint64_t dropped = socket.drops_before && socket.drops > *socket.drops_before
                                          ? socket.drops - *socket.drops_before
                                          : 0;
        const bool stuck = socket.recv_queue_before &&
                           *socket.recv_queue_before <= socket.recv_queue &&
                           words::reaches(*socket.recv_queue_before, socket.recv_buffer,
                                          thresholds::kBufferPercent);
        if (dropped == 0 && !stuck) {
            continue;
        }
        Finding finding;
        finding.id = "udp_recv_queue";
        finding.severity = dropped > 0 ? Severity::kCritical : Severity::kWarning;
        const std::string who = socket.process != kNobody ? facts.processes[socket.process].name()
                                                          : std::string("nobody known");
        finding.title =
            dropped > 0 ? fmt::format("UDP {} of {} has no room: {} lost in {} ms",
                                      socket.tuple.local.text(), who,
                                      words::count(dropped, "datagram"), facts.interval.count())
                        : fmt::format("UDP {} of {} is not read", socket.tuple.local.text(), who);
        finding.netns = facts.netns[socket.netns].inum;
        finding.local = socket.tuple.local;
        if (socket.process != kNobody) {
            finding.process = facts.processes[socket.process];
        }
        finding.numbers = {{"dropped", as_number(dropped)},
                           {"recv_queue", socket.recv_queue},
                           {"recv_queue_before", socket.recv_queue_before.value_or(0)},
                           {"recv_buffer", socket.recv_buffer},
                           {"interval_ms", facts.interval.count()}};
        finding.evidence = fmt::format(
            "{} of {} bytes are taken, {} ms earlier {}; {} dropped meanwhile, {} since it was "
            "opened{}; {}",
            socket.recv_queue, socket.recv_buffer, facts.interval.count(),
            socket.recv_queue_before.value_or(0), dropped, socket.drops,
            finding.process ? words::about(*finding.process) : "",
            words::about(facts.netns[socket.netns]));
        finding.meaning = "Datagrams come faster than the program reads them, or it does not read "
                          "at all. What has no room is lost without a word to the sender.";
        finding.advice.push_back(
            stuck ? plain_advice("see why " + who + " does not read",
                                 "the queue did not shrink between the looks: a larger buffer only "
                                 "fills later",
                                 "none")
                  : plain_advice("give the socket a larger SO_RCVBUF (net.core.rmem_max allows it)",
                                 fmt::format("{} bytes do not hold its bursts, and it reads in "
                                             "between",
                                             socket.recv_buffer),
                                 "the kernel may take that much memory for each such socket"));
        findings.push_back(std::move(finding));
    }
}

void keepalive(const AuditFacts& facts, Findings& findings)
{
    struct Idle {
        std::uint64_t count = 0;
        milliseconds longest{};
        std::map<std::string, std::uint64_t> remotes;
    };
    const LocalRemotes local(facts);
    std::map<std::pair<std::size_t, std::size_t>, Idle> processes;
    for (const AuditSocket& socket : facts.sockets) {
        if (socket.udp || socket.state != TcpState::kEstablished || !socket.held ||
            socket.keepalive || socket.process == kNobody || socket.send_queue > 0 ||
            !socket.since_segment || !socket.since_data_went || local.has(socket)) {
            continue;
        }
        const milliseconds idle = std::min(*socket.since_segment, *socket.since_data_went);
        const milliseconds limit = std::chrono::seconds(facts.netns[socket.netns]
                                                            .number("net.ipv4.tcp_keepalive_time")
                                                            .value_or(thresholds::kKeepaliveTimeS));
        if (idle >= limit) {
            Idle& entry = processes[{socket.netns, socket.process}];
            ++entry.count;
            entry.longest = std::max(entry.longest, idle);
            ++entry.remotes[socket.tuple.remote.text()];
        }
    }
    for (const auto& [key, idle] : processes) {
        if (idle.count < thresholds::kIdlePile) {
            continue;
        }
        const AuditNetns& netns = facts.netns[key.first];
        const AuditProcess& process = facts.processes[key.second];
        const std::int64_t time =
            netns.number("net.ipv4.tcp_keepalive_time").value_or(thresholds::kKeepaliveTimeS);
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
            "{} ESTABLISHED without SO_KEEPALIVE and without a segment either way for {} s or "
            "longer (tcp_keepalive_time), the longest for {}; to {}{}; {}",
            idle.count, time, words::duration(idle.longest), words::most(idle.remotes),
            words::about(process), words::about(netns));
        finding.meaning = "If the other host or a firewall on the way has forgotten them, nobody "
                          "here will ever know: they hold a descriptor until the program writes. "
                          "With keepalive the kernel would have asked by now.";
        finding.advice.push_back(
            plain_advice("set SO_KEEPALIVE in " + process.name() +
                             ", or end connections that are idle for longer than it needs",
                         "no sysctl turns keepalive on: each program asks for its own sockets",
                         "a probe every tcp_keepalive_time for each connection"));
        if (time > thresholds::kKeepaliveTimeS) {
            finding.advice.push_back(words::set_sysctl(
                netns, "net.ipv4.tcp_keepalive_time", std::to_string(thresholds::kKeepaliveTimeS),
                fmt::format("the first probe comes after {} s; a NAT may forget a connection that "
                            "is idle for 7440 s (RFC 5382)",
                            time),
                "more probes on connections that have keepalive on"));
        }
        findings.push_back(std::move(finding));
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
            plain_advice("bind those that only this host uses to 127.0.0.1 or ::1",
                         "a wildcard address takes connections from every network",
                         "clients on other hosts can no longer connect"));
        finding.advice.back().command = "tcpledger listen";
        findings.push_back(std::move(finding));
    }
}

} // namespace tcpledger::rules
