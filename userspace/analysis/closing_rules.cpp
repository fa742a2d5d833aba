// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Connections that one side has closed and that do not end.
#include "analysis/rules.hpp"
#include "analysis/thresholds.hpp"
#include "analysis/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace tcpledger::rules {
namespace {

using std::chrono::milliseconds;

milliseconds fin_timeout(const AuditNetns& netns)
{
    return std::chrono::seconds(
        netns.number("net.ipv4.tcp_fin_timeout").value_or(thresholds::kFinTimeoutS));
}

/// The sockets in one state of one process in one namespace.
struct Stuck {
    std::uint64_t all = 0;
    std::uint64_t old = 0; ///< beyond tcp_fin_timeout
    milliseconds oldest{}; ///< at least
    milliseconds youngest_old = milliseconds::max();
    std::map<std::string, std::uint64_t> remotes; ///< of the old ones
};

using StuckByProcess = std::map<std::pair<std::size_t, std::size_t>, Stuck>;

/// Of sockets that somebody owns. Since a segment last came is a lower bound of the time in a
/// state that only a segment can bring about.
StuckByProcess stuck_in(TcpState state, const AuditFacts& facts)
{
    const words::Peers peers(facts);
    StuckByProcess processes;
    for (const AuditSocket& socket : facts.sockets) {
        if (socket.udp || socket.state != state || socket.process == kNobody ||
            !(socket.held || socket.unaccepted)) {
            continue;
        }
        Stuck& stuck = processes[{socket.netns, socket.process}];
        ++stuck.all;
        if (socket.since_segment &&
            *socket.since_segment >= fin_timeout(facts.netns[socket.netns])) {
            ++stuck.old;
            stuck.oldest = std::max(stuck.oldest, *socket.since_segment);
            stuck.youngest_old = std::min(stuck.youngest_old, *socket.since_segment);
            ++stuck.remotes[peers.of(socket)];
        }
    }
    std::erase_if(processes,
                  [](const auto& entry) { return entry.second.old < thresholds::kPile; });
    return processes;
}

std::string list_command(const AuditProcess& process, std::string_view state)
{
    return fmt::format("tcpledger list -tnp state {} pid = {}", state, process.pid);
}

Finding stuck_finding(const AuditFacts& facts, const StuckByProcess::value_type& entry,
                      std::string_view state)
{
    const AuditNetns& netns = facts.netns[entry.first.first];
    const AuditProcess& process = facts.processes[entry.first.second];
    const Stuck& stuck = entry.second;
    const bool takes_all =
        process.descriptor_limit &&
        words::reaches(stuck.old, *process.descriptor_limit, thresholds::kDescriptorsTakenPercent);
    Finding finding;
    finding.severity = takes_all ? Severity::kCritical : Severity::kWarning;
    finding.title = fmt::format("{} keeps {} in {}", process.name(),
                                words::count(stuck.old, "connection"), state);
    finding.netns = netns.inum;
    finding.process = process;
    finding.numbers = {{"stuck", static_cast<std::int64_t>(stuck.old)},
                       {"all", static_cast<std::int64_t>(stuck.all)},
                       {"oldest_at_least_ms", stuck.oldest.count()},
                       {"youngest_at_least_ms", stuck.youngest_old.count()},
                       {"threshold_ms", fin_timeout(netns).count()}};
    finding.evidence =
        fmt::format("{} of {} in {} have been so for {} or longer, the oldest for at least {} "
                    "(tcp_fin_timeout: {}); peers {}{}; {}",
                    stuck.old, stuck.all, state, words::duration(stuck.youngest_old),
                    words::duration(stuck.oldest), words::duration(fin_timeout(netns)),
                    words::most(stuck.remotes), words::about(process), words::about(netns));
    return finding;
}

} // namespace

void close_wait(const AuditFacts& facts, Findings& findings)
{
    for (const auto& entry : stuck_in(TcpState::kCloseWait, facts)) {
        const AuditProcess& process = facts.processes[entry.first.second];
        Finding finding = stuck_finding(facts, entry, "CLOSE_WAIT");
        finding.id = "close_wait";
        finding.meaning = "The peers have closed; the program has not called close(), and nothing "
                          "else ends CLOSE_WAIT. A peer with the same tcp_fin_timeout has "
                          "forgotten the connection by now: what the program still writes is "
                          "answered by a reset. Usually a path through the program, often one "
                          "for errors, on which the socket is not closed.";
        finding.advice.push_back(words::act("find the close() that is missing in " +
                                                process.name() +
                                                "; a restart gives the descriptors back until then",
                                            "no sysctl ends CLOSE_WAIT: only close() does",
                                            "a restart ends the process's other connections too",
                                            list_command(process, "close-wait")));
        findings.push_back(std::move(finding));
    }
}

void fin_wait2(const AuditFacts& facts, Findings& findings)
{
    for (const auto& entry : stuck_in(TcpState::kFinWait2, facts)) {
        const AuditProcess& process = facts.processes[entry.first.second];
        Finding finding = stuck_finding(facts, entry, "FIN_WAIT2");
        finding.id = "fin_wait2";
        finding.meaning = "The program has shut down its sending side and keeps the descriptor "
                          "open, and the peers do not close theirs. tcp_fin_timeout ends "
                          "FIN_WAIT2 only after close(), so these stay as long as both wait.";
        finding.advice.push_back(words::act(
            "let " + process.name() +
                " wait for the peer's end with a time limit, then close(); or mend the peer (it "
                "shows CLOSE_WAIT there)",
            fmt::format("after close() each would end within tcp_fin_timeout ({})",
                        words::duration(fin_timeout(facts.netns[entry.first.first]))),
            "what the peer sends after close() is answered by a reset",
            list_command(process, "fin-wait-2")));
        findings.push_back(std::move(finding));
    }
}

void orphans(const AuditFacts& facts, Findings& findings)
{
    if (!facts.orphans || !facts.max_orphans ||
        !words::reaches(*facts.orphans, *facts.max_orphans, thresholds::kOrphansPercent)) {
        return;
    }
    Finding finding;
    finding.id = "orphans";
    const bool over = *facts.orphans >= *facts.max_orphans;
    finding.severity = over ? Severity::kCritical : Severity::kWarning;
    finding.title =
        fmt::format("{} closed connections still have data or a FIN to deliver", *facts.orphans);
    finding.numbers = {{"orphans", static_cast<std::int64_t>(*facts.orphans)},
                       {"limit", static_cast<std::int64_t>(*facts.max_orphans)}};
    finding.evidence = fmt::format("{} orphans, tcp_max_orphans: {}; whole host", *facts.orphans,
                                   *facts.max_orphans);
    finding.meaning = "Programs have closed these, the kernel still has to deliver. From a quarter "
                      "of the limit on it resets those that make no progress, at the limit every "
                      "further one, and their data are lost. Peers that vanish or stop reading, "
                      "or clients that disconnect by the thousand, bring this about.";
    Advice advice;
    advice.action = "set net.ipv4.tcp_max_orphans";
    advice.sysctl = "net.ipv4.tcp_max_orphans";
    advice.present = std::to_string(*facts.max_orphans);
    advice.proposed = std::to_string(words::round_up(*facts.orphans * 4 + 1));
    advice.why =
        fmt::format("{} are more than a quarter of {}", *facts.orphans, *facts.max_orphans);
    advice.risk = "each orphan can pin up to 64 KiB of memory that cannot be swapped";
    advice.command = fmt::format("sysctl -w {}={}", advice.sysctl, advice.proposed);
    finding.advice.push_back(std::move(advice));
    findings.push_back(std::move(finding));
}

} // namespace tcpledger::rules
