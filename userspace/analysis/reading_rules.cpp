// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What has arrived and is not read.
#include "analysis/rules.hpp"
#include "analysis/thresholds.hpp"
#include "analysis/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace tcpledger::rules {
namespace {

using std::chrono::milliseconds;

std::int64_t as_number(std::uint64_t number)
{
    return static_cast<std::int64_t>(number);
}

/// Unread sockets of one process in one namespace.
struct Unread {
    std::uint64_t sockets = 0;
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

Finding unread_finding(const AuditFacts& facts, const AuditNetns& netns,
                       const AuditProcess& process, const Unread& unread)
{
    Finding finding;
    finding.id = "recv_queue";
    finding.severity = Severity::kWarning;
    finding.title = fmt::format("{} does not read {} bytes on {}", process.name(), unread.bytes,
                                words::count(unread.sockets, "connection"));
    finding.netns = netns.inum;
    finding.process = process;
    finding.numbers = {{"sockets", as_number(unread.sockets)},
                       {"bytes", as_number(unread.bytes)},
                       {"half_full", as_number(unread.full)},
                       {"unread_at_least_ms", unread.oldest.count()},
                       {"interval_ms", facts.interval.count()}};
    finding.evidence = fmt::format(
        "nothing was read in {} ms; {} with half of the receive buffer or more, {} whose last "
        "bytes came {} s ago or earlier (the oldest {}); from {}{}; {}",
        facts.interval.count(), unread.full, unread.old, thresholds::kUnread.count() / 1000,
        words::duration(unread.oldest), words::most(unread.remotes), words::about(process),
        words::about(netns));
    finding.meaning = "Data have arrived and the program does not read: it is blocked (a lock, a "
                      "slow disk, a full pipe behind it), or it has forgotten these sockets. When "
                      "the buffer is full the peer may send no more.";
    finding.advice.push_back(
        words::act("see where " + process.name() + " waits",
                   "a larger buffer only fills later: nothing was read at all", {},
                   fmt::format("cat /proc/{0}/stack /proc/{0}/wchan", process.pid)));
    return finding;
}

Advice advise_datagrams(const AuditSocket& socket, const std::string& who, bool stuck)
{
    if (stuck) {
        return words::act("see why " + who + " does not read",
                          "the queue did not shrink between the looks: a larger buffer only fills "
                          "later");
    }
    return words::act(
        "give the socket a larger SO_RCVBUF (net.core.rmem_max allows it)",
        fmt::format("{} bytes do not hold its bursts, and it reads in between", socket.recv_buffer),
        "the kernel may take that much memory for each such socket");
}

Finding datagram_finding(const AuditFacts& facts, const AuditSocket& socket, std::uint64_t dropped,
                         bool stuck)
{
    Finding finding;
    finding.id = "udp_recv_queue";
    finding.severity = dropped > 0 ? Severity::kCritical : Severity::kWarning;
    std::string who = "nobody known";
    if (socket.process != kNobody) {
        finding.process = facts.processes[socket.process];
        who = finding.process->name();
    }
    finding.title =
        dropped > 0
            ? fmt::format("UDP {} of {} has no room: {} lost in {} ms", socket.tuple.local.text(),
                          who, words::count(dropped, "datagram"), facts.interval.count())
            : fmt::format("UDP {} of {} is not read", socket.tuple.local.text(), who);
    finding.netns = facts.netns[socket.netns].inum;
    finding.local = socket.tuple.local;
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
    finding.meaning = "Datagrams come faster than the program reads them, or it does not read at "
                      "all. What has no room is lost without a word to the sender.";
    finding.advice.push_back(advise_datagrams(socket, who, stuck));
    return finding;
}

} // namespace

void recv_queue(const AuditFacts& facts, Findings& findings)
{
    const words::Peers peers(facts);
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
        ++unread.sockets;
        unread.full += full ? 1U : 0U;
        unread.old += age >= thresholds::kUnread ? 1U : 0U;
        unread.bytes += socket.recv_queue;
        unread.oldest = std::max(unread.oldest, age);
        ++unread.remotes[peers.of(socket)];
    }
    for (const auto& [key, unread] : processes) {
        if (unread.full > 0 || unread.old >= thresholds::kPile) {
            findings.push_back(
                unread_finding(facts, facts.netns[key.first], facts.processes[key.second], unread));
        }
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
        if (dropped > 0 || stuck) {
            findings.push_back(datagram_finding(facts, socket, dropped, stuck));
        }
    }
}

} // namespace tcpledger::rules
