// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Listeners that cannot keep up: the SYN queue, the accept queue, and what falls off their ends.
#include "analysis/rules.hpp"
#include "analysis/thresholds.hpp"
#include "analysis/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace tcpledger::rules {
namespace {

bool is_listener(const AuditSocket& socket)
{
    return !socket.udp && socket.state == TcpState::kListen;
}

std::string owner_name(const AuditFacts& facts, const AuditSocket& socket)
{
    return socket.process != kNobody ? facts.processes[socket.process].name()
                                     : std::string("its program");
}

void tell_listener(const AuditFacts& facts, const AuditSocket& listener, Finding& finding)
{
    finding.netns = facts.netns[listener.netns].inum;
    finding.local = listener.tuple.local;
    if (listener.process != kNobody) {
        finding.process = facts.processes[listener.process];
    }
}

/// How to make room for more connections at this listener: its limit is the smaller of listen()'s
/// argument and somaxconn, so the advice is to raise the one that binds.
void advise_backlog(const AuditFacts& facts, const AuditSocket& listener, Finding& finding)
{
    const AuditNetns& netns = facts.netns[listener.netns];
    const std::int64_t somaxconn = netns.number("net.core.somaxconn").value_or(0);
    const std::uint64_t limit = listener.send_queue;
    const std::uint64_t proposed = words::round_up(std::max<std::uint64_t>(2 * limit, 128));
    const std::string figures =
        fmt::format("{} wait to be accepted and {} are half-open, the limit is {}",
                    listener.recv_queue, listener.half_open, limit);
    const std::string risk = "a longer queue takes a burst, it makes nothing faster: if the "
                             "program stays too slow, clients just wait longer";
    if (static_cast<std::int64_t>(limit) >= somaxconn) {
        finding.advice.push_back(words::set_sysctl(
            netns, "net.core.somaxconn", std::to_string(proposed),
            figures + ", which is somaxconn: the program asked for as much or more", risk));
        finding.advice.push_back(words::act(
            fmt::format("then restart {}: a queue keeps the limit that held when "
                        "listen() was called",
                        owner_name(facts, listener)),
            "somaxconn is looked at by listen() only", "a restart ends its connections"));
        return;
    }
    Advice advice = words::act(
        fmt::format("raise the backlog that {} gives to listen()", owner_name(facts, listener)),
        figures + fmt::format("; somaxconn ({}) is not what limits it", somaxconn), risk);
    advice.present = std::to_string(limit);
    advice.proposed = std::to_string(proposed);
    finding.advice.push_back(std::move(advice));
}

/// The sources of half-open connections to a port, for people.
std::string sources(const AuditFacts& facts, const AuditSocket& listener)
{
    std::map<std::string, std::uint64_t> addresses;
    for (const AuditSocket& socket : facts.sockets) {
        if (!socket.udp && socket.netns == listener.netns && socket.state == TcpState::kSynRecv &&
            socket.tuple.local.port == listener.tuple.local.port) {
            ++addresses[socket.tuple.remote.address.text()];
        }
    }
    return words::most(addresses);
}

/// Half-open connections beyond which a listener's SYNs are dropped or answered by cookies.
std::uint64_t half_open_limit(const AuditNetns& netns, const AuditSocket& listener)
{
    const std::uint64_t backlog = std::uint64_t{listener.send_queue} * (listener.siblings + 1);
    const auto most = netns.number("net.ipv4.tcp_max_syn_backlog");
    if (netns.number("net.ipv4.tcp_syncookies").value_or(1) != 0 || !most || *most < 0) {
        return backlog;
    }
    // Without cookies the last quarter is kept for peers that are known (tcp_conn_request).
    return std::min(backlog,
                    static_cast<std::uint64_t>(*most - *most / 4) * (listener.siblings + 1));
}

void advise_syn_queue(const AuditFacts& facts, const AuditSocket& listener, Finding& finding)
{
    const AuditNetns& netns = facts.netns[listener.netns];
    const std::int64_t most = netns.number("net.ipv4.tcp_max_syn_backlog").value_or(0);
    if (netns.number("net.ipv4.tcp_syncookies").value_or(1) == 0) {
        finding.advice.push_back(words::set_sysctl(
            netns, "net.ipv4.tcp_syncookies", "1",
            fmt::format("{} are half-open; without cookies further SYNs are dropped at the limit",
                        listener.half_open),
            "a connection that a cookie saved has no window scaling without timestamps, and a "
            "final ACK that is lost is not repeated"));
        if (most - most / 4 < static_cast<std::int64_t>(listener.send_queue)) {
            finding.advice.push_back(words::set_sysctl(
                netns, "net.ipv4.tcp_max_syn_backlog",
                std::to_string(words::round_up(std::uint64_t{listener.send_queue} * 2)),
                fmt::format("unknown peers may take three quarters of it, which is less than the "
                            "listener's {}",
                            listener.send_queue),
                "each half-open connection takes about a third of a KiB of kernel memory"));
        }
    }
    advise_backlog(facts, listener, finding);
}

/// The listener of a namespace that has most in its queues against its limits.
const AuditSocket* fullest(const AuditFacts& facts, std::size_t netns)
{
    const auto fill = [](const AuditSocket& socket) {
        return static_cast<double>(socket.recv_queue + socket.half_open) /
               (socket.send_queue + 1.0);
    };
    const AuditSocket* found = nullptr;
    for (const AuditSocket& socket : facts.sockets) {
        if (is_listener(socket) && socket.netns == netns &&
            (found == nullptr || fill(socket) > fill(*found))) {
            found = &socket;
        }
    }
    return found != nullptr && found->recv_queue + found->half_open > 0 ? found : nullptr;
}

std::string total(const AuditNetns& netns, std::string_view counter)
{
    const auto found = netns.counters.find(counter);
    return found != netns.counters.end() ? std::to_string(found->second.now) : "unknown";
}

} // namespace

void syn_queue(const AuditFacts& facts, Findings& findings)
{
    std::set<std::pair<std::size_t, Endpoint>> told; // siblings share what is half-open
    for (const AuditSocket& listener : facts.sockets) {
        if (!is_listener(listener) || listener.half_open < thresholds::kHandshakes) {
            continue;
        }
        const std::uint64_t limit = half_open_limit(facts.netns[listener.netns], listener);
        if (!words::reaches(listener.half_open, std::max<std::uint64_t>(limit, 1),
                            thresholds::kHalfOpenPercent) ||
            !told.emplace(listener.netns, listener.tuple.local).second) {
            continue;
        }
        Finding finding;
        finding.id = "syn_queue";
        finding.severity = listener.half_open >= limit ? Severity::kCritical : Severity::kWarning;
        finding.title = fmt::format("{} half-open connections at {}", listener.half_open,
                                    listener.tuple.local.text());
        tell_listener(facts, listener, finding);
        finding.numbers = {{"half_open", listener.half_open},
                           {"limit", static_cast<std::int64_t>(limit)}};
        finding.evidence = fmt::format(
            "{} SYN_RECV against a limit of {}; tcp_syncookies: {}; from {}{}; {}",
            listener.half_open, limit,
            facts.netns[listener.netns].number("net.ipv4.tcp_syncookies").value_or(-1),
            sources(facts, listener), finding.process ? words::about(*finding.process) : "",
            words::about(facts.netns[listener.netns]));
        finding.meaning = "Clients have sent a SYN and not finished the handshake. A few sources "
                          "with most of it: a scan or an attack, or a network that loses our "
                          "answer; many sources: a SYN flood with forged addresses. With "
                          "TCP_DEFER_ACCEPT it can also be clients that connect and say nothing.";
        advise_syn_queue(facts, listener, finding);
        findings.push_back(std::move(finding));
    }
}

void syn_cookies(const AuditFacts& facts, Findings& findings)
{
    for (std::size_t at = 0; at < facts.netns.size(); ++at) {
        const AuditNetns& netns = facts.netns[at];
        const std::int64_t dropped = netns.moved("TCPReqQFullDrop");
        // With tcp_syncookies = 2 each SYN gets one, whatever the queue.
        const bool always = netns.number("net.ipv4.tcp_syncookies").value_or(1) == 2;
        const std::int64_t cookies = always ? 0 : netns.moved("SyncookiesSent");
        if (dropped == 0 && cookies == 0) {
            continue;
        }
        Finding finding;
        finding.id = "syn_cookies";
        finding.severity = dropped > 0 ? Severity::kCritical : Severity::kWarning;
        finding.title =
            dropped > 0
                ? fmt::format("a full SYN queue drops SYNs: {} in {} ms", dropped,
                              facts.interval.count())
                : fmt::format("a full SYN queue makes the kernel send SYN cookies: {} in {} ms",
                              cookies, facts.interval.count());
        finding.netns = netns.inum;
        finding.numbers = {{"cookies_sent", cookies},
                           {"cookies_failed", netns.moved("SyncookiesFailed")},
                           {"dropped", dropped},
                           {"interval_ms", facts.interval.count()}};
        finding.evidence = fmt::format(
            "in {} ms SyncookiesSent moved by {}, SyncookiesFailed by {}, TCPReqQFullDrop by {}; "
            "since the start {} sent, {} dropped; {}",
            facts.interval.count(), cookies, netns.moved("SyncookiesFailed"), dropped,
            total(netns, "SyncookiesSent"), total(netns, "TCPReqQFullDrop"), words::about(netns));
        finding.meaning = "More handshakes begin than a listener's backlog has room for: a SYN "
                          "flood, or more new clients than that program's listen() allows.";
        if (const AuditSocket* listener = fullest(facts, at)) {
            tell_listener(facts, *listener, finding);
            advise_syn_queue(facts, *listener, finding);
        }
        findings.push_back(std::move(finding));
    }
}

void accept_queue(const AuditFacts& facts, Findings& findings)
{
    for (const AuditSocket& listener : facts.sockets) {
        if (!is_listener(listener) || !listener.recv_queue_before) {
            continue;
        }
        const std::uint32_t waiting = std::min(listener.recv_queue, *listener.recv_queue_before);
        const std::uint32_t limit = listener.send_queue;
        const bool full = waiting > limit;
        if (!full && !words::reaches(waiting, limit, thresholds::kNearPercent)) {
            continue;
        }
        Finding finding;
        finding.id = "accept_queue";
        finding.severity = full ? Severity::kCritical : Severity::kWarning;
        finding.title =
            fmt::format("the accept queue of {} is {}: {} of {}", listener.tuple.local.text(),
                        full ? "full" : "nearly full", listener.recv_queue, limit);
        tell_listener(facts, listener, finding);
        finding.numbers = {{"waiting", listener.recv_queue},
                           {"waiting_before", *listener.recv_queue_before},
                           {"limit", limit},
                           {"interval_ms", facts.interval.count()}};
        finding.evidence = fmt::format(
            "{} waited to be accepted, {} ms later {}; limit {}, somaxconn {}{}; {}",
            *listener.recv_queue_before, facts.interval.count(), listener.recv_queue, limit,
            facts.netns[listener.netns].number("net.core.somaxconn").value_or(-1),
            finding.process ? words::about(*finding.process) : "",
            words::about(facts.netns[listener.netns]));
        finding.meaning = "The program does not call accept() as fast as clients come: it is "
                          "blocked, short of descriptors or threads, or the backlog is too small "
                          "for its bursts. Beyond the limit the kernel drops SYNs and final ACKs; "
                          "clients see connects that take seconds.";
        advise_backlog(facts, listener, finding);
        findings.push_back(std::move(finding));
    }
}

void listen_overflows(const AuditFacts& facts, Findings& findings)
{
    for (std::size_t at = 0; at < facts.netns.size(); ++at) {
        const AuditNetns& netns = facts.netns[at];
        const std::int64_t overflows = netns.moved("ListenOverflows");
        const std::int64_t drops = netns.moved("ListenDrops");
        if (overflows == 0 && drops == 0) {
            continue;
        }
        Finding finding;
        finding.id = "listen_overflows";
        finding.severity = overflows > 0 ? Severity::kCritical : Severity::kWarning;
        finding.title = fmt::format("listeners turn connections away: {} in {} ms",
                                    std::max(overflows, drops), facts.interval.count());
        finding.netns = netns.inum;
        finding.numbers = {
            {"overflows", overflows}, {"drops", drops}, {"interval_ms", facts.interval.count()}};
        const AuditSocket* listener = fullest(facts, at);
        if (listener != nullptr) {
            tell_listener(facts, *listener, finding);
        }
        finding.evidence = fmt::format(
            "ListenOverflows moved by {} (since the start {}), ListenDrops by {} (since the start "
            "{}){}; {}",
            overflows, total(netns, "ListenOverflows"), drops, total(netns, "ListenDrops"),
            listener == nullptr ? std::string()
                                : fmt::format("; the fullest listener is {}, {} of {}, of {}",
                                              listener->tuple.local.text(), listener->recv_queue,
                                              listener->send_queue, owner_name(facts, *listener)),
            words::about(netns));
        const bool aborts = netns.number("net.ipv4.tcp_abort_on_overflow").value_or(0) != 0;
        finding.meaning =
            fmt::format("An overflow is a connection for which an accept queue had no room, a drop "
                        "that or another reason. {}",
                        aborts ? "tcp_abort_on_overflow is set: some of these clients get a reset."
                               : "The client tries again after one, two, four seconds.");
        if (aborts) {
            finding.advice.push_back(words::set_sysctl(
                netns, "net.ipv4.tcp_abort_on_overflow", "0",
                fmt::format("{} overflows in {} ms, and each can become an error at the client "
                            "that a second try would have avoided",
                            overflows, facts.interval.count()),
                "clients wait where they now fail at once"));
        }
        if (listener != nullptr) {
            advise_backlog(facts, *listener, finding);
        }
        findings.push_back(std::move(finding));
    }
}

} // namespace tcpledger::rules
