// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Descriptors: of a process and of the host.
#include "analysis/rules.hpp"
#include "analysis/thresholds.hpp"
#include "analysis/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace tcpledger::rules {
namespace {

Severity severity_of(std::uint64_t used, std::uint64_t limit)
{
    return words::reaches(used, limit, thresholds::kAlmostPercent) ? Severity::kCritical
                                                                   : Severity::kWarning;
}

struct Sockets {
    std::uint64_t all = 0;
    std::uint64_t close_wait = 0;
    std::size_t netns = 0;
};

Advice raise_limit(const AuditProcess& process, std::uint64_t used, std::uint64_t limit)
{
    const std::uint64_t wanted = words::round_up(2 * limit);
    const std::uint64_t hard = process.descriptor_limit_hard.value_or(wanted);
    Advice advice;
    advice.action = "raise the process's limit of open files (LimitNOFILE in a systemd unit)";
    advice.present = std::to_string(limit);
    const bool within_hard = hard > limit;
    const std::uint64_t proposed = within_hard ? std::min(wanted, hard) : wanted;
    advice.proposed = std::to_string(proposed);
    advice.why = fmt::format("{} of {} are in use", used, limit);
    advice.risk = "if the program leaks, it only takes longer to fill; programs that use select() "
                  "break beyond 1024";
    // "N:" leaves the hard limit as it is.
    advice.command = fmt::format("prlimit --pid {} --nofile={}{}", process.pid, proposed,
                                 within_hard ? ":" : "");
    return advice;
}

} // namespace

void descriptors(const AuditFacts& facts, Findings& findings)
{
    std::map<std::size_t, Sockets> sockets;
    for (const AuditSocket& socket : facts.sockets) {
        if (socket.held && socket.process != kNobody) {
            Sockets& mine = sockets[socket.process];
            ++mine.all;
            mine.close_wait += socket.state == TcpState::kCloseWait ? 1U : 0U;
            mine.netns = socket.netns;
        }
    }
    for (const auto& [place, mine] : sockets) {
        const AuditProcess& process = facts.processes[place];
        if (!process.descriptors_used || !process.descriptor_limit ||
            !words::reaches(*process.descriptors_used, *process.descriptor_limit,
                            thresholds::kNearPercent)) {
            continue;
        }
        const std::uint64_t used = *process.descriptors_used;
        const std::uint64_t limit = *process.descriptor_limit;
        Finding finding;
        finding.id = "descriptors";
        finding.severity = severity_of(used, limit);
        finding.title =
            fmt::format("{} has {} of {} descriptors in use", process.name(), used, limit);
        finding.netns = facts.netns[mine.netns].inum;
        finding.process = process;
        finding.numbers = {{"used", static_cast<std::int64_t>(used)},
                           {"limit", static_cast<std::int64_t>(limit)},
                           {"sockets", static_cast<std::int64_t>(mine.all)},
                           {"close_wait", static_cast<std::int64_t>(mine.close_wait)}};
        finding.evidence = fmt::format("at least {} of them are sockets, {} in CLOSE_WAIT{}",
                                       mine.all, mine.close_wait, words::about(process));
        finding.meaning = "At the limit accept(), socket() and open() fail with EMFILE (too many "
                          "open files): new clients wait in the accept queue, and log files "
                          "cannot be opened.";
        if (mine.close_wait * 2 >= used) {
            finding.advice.push_back(words::act(
                "mend the leak first: most are in CLOSE_WAIT",
                fmt::format("{} of {} wait for this program's close()", mine.close_wait, used), {},
                fmt::format("tcpledger list -tnp state close-wait pid = {}", process.pid)));
        }
        finding.advice.push_back(raise_limit(process, used, limit));
        findings.push_back(std::move(finding));
    }
}

void files(const AuditFacts& facts, Findings& findings)
{
    if (!facts.files || !facts.max_files ||
        !words::reaches(*facts.files, *facts.max_files, thresholds::kNearPercent)) {
        return;
    }
    Finding finding;
    finding.id = "files";
    finding.severity = severity_of(*facts.files, *facts.max_files);
    finding.title = fmt::format("the host has {} of {} files open", *facts.files, *facts.max_files);
    finding.numbers = {{"used", static_cast<std::int64_t>(*facts.files)},
                       {"limit", static_cast<std::int64_t>(*facts.max_files)}};
    finding.evidence =
        fmt::format("fs.file-nr: {}; fs.file-max: {}", *facts.files, *facts.max_files);
    finding.meaning = "At the limit every program without CAP_SYS_ADMIN gets ENFILE for each new "
                      "socket, pipe and file.";
    Advice advice;
    advice.action = "set fs.file-max";
    advice.sysctl = "fs.file-max";
    advice.present = std::to_string(*facts.max_files);
    advice.proposed = std::to_string(words::round_up(2 * *facts.max_files));
    advice.why = fmt::format("{} of {} are in use", *facts.files, *facts.max_files);
    advice.risk = "each open file takes about a quarter of a KiB of kernel memory and more for a "
                  "socket";
    advice.command = fmt::format("sysctl -w fs.file-max={}", advice.proposed);
    finding.advice.push_back(std::move(advice));
    findings.push_back(std::move(finding));
}

} // namespace tcpledger::rules
