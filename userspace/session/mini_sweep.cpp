// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/mini_sweep.hpp"

#include "procfs/clock.hpp"
#include "procfs/files.hpp"
#include "procfs/net.hpp"
#include "session/census.hpp"
#include "session/row_pauses.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <thread>
#include <utility>

namespace tcpledger {
namespace {

constexpr std::size_t kSnmpBytes = std::size_t{64} * 1024;

/// Handshakes come and go at a busy listener: what is more than the books have is counted again, so
/// often and after so long, before a list is asked for.
constexpr int kRequestCounts = 3;
constexpr std::chrono::milliseconds kCountAgain{1};

std::uint32_t inum_of(const UniqueFd& fd)
{
    struct stat status{};
    return fd.valid() && ::fstat(fd.get(), &status) == 0 ? static_cast<std::uint32_t>(status.st_ino)
                                                         : 0;
}

/// What is known only inside a namespace.
struct Inside {
    NetnsTotals totals;
    std::optional<std::int64_t> segments_in;
    std::optional<SockDiag> diag;
    std::vector<UniqueFd> request_walks;
    std::chrono::nanoseconds cpu{};
};

std::optional<std::uint64_t> sum(std::optional<std::uint64_t> left,
                                 std::optional<std::uint64_t> right)
{
    return left ? std::optional(*left + right.value_or(0)) : std::nullopt;
}

/// In the namespace. `requests` may be null.
void read_inside(std::uint32_t inum, bool with_segments, const RequestCount* requests,
                 Inside& inside)
{
    const auto cpu_before = thread_cpu_time();
    inside.totals.netns_inum = inum;
    inside.totals.asked_at = monotonic_now();
    if (const auto totals = read_socket_totals()) {
        inside.totals.minis = totals->time_wait;
        inside.totals.in_use = sum(totals->tcp_in_use, totals->tcp6_in_use);
    }
    inside.totals.read_at = monotonic_now();
    if (const auto most = Sysctls().number("net.ipv4.tcp_max_tw_buckets")) {
        inside.totals.most_minis = static_cast<std::uint64_t>(std::max<std::int64_t>(*most, 0));
    }
    if (with_segments) {
        NetCounters counters;
        if (const auto text = procfs::read_file("/proc/thread-self/net/snmp", kSnmpBytes)) {
            counters.add(*text);
        }
        inside.segments_in = counters.value("Tcp", "InSegs");
    }
    if (Expected<SockDiag> diag = SockDiag::open(-1, inum)) {
        inside.diag.emplace(*std::move(diag));
    }
    for (int count = 0; requests != nullptr && count < kRequestCounts; ++count) {
        if (Expected<UniqueFd> walk = requests->begin()) {
            inside.request_walks.push_back(*std::move(walk));
        }
    }
    inside.cpu = thread_cpu_time() - cpu_before;
}

/// The fewest that there were at some moments, as long as that is more than the books have.
std::optional<std::uint64_t> count_requests(const RequestCount& requests,
                                            std::span<const UniqueFd> walks,
                                            const MiniQuestion::Netns& netns)
{
    std::optional<std::uint64_t> fewest;
    for (const UniqueFd& walk : walks) {
        if (fewest) {
            std::this_thread::sleep_for(kCountAgain);
        }
        const auto count = requests.take(walk, netns.listeners);
        if (!count) {
            return std::nullopt;
        }
        fewest = std::min(*count, fewest.value_or(*count));
        if (*fewest <= netns.half_open) {
            break;
        }
    }
    return fewest;
}

std::uint8_t family_of(const FourTuple& tuple)
{
    return static_cast<std::uint8_t>(tuple.local.address.is_ipv4() ? AF_INET : AF_INET6);
}

MiniAnswer look_up(SockDiag& diag, const FourTuple& tuple, bool& failed)
{
    const auto found = diag.lookup(tuple, family_of(tuple));
    failed = !found;
    MiniAnswer answer{tuple, std::nullopt, {}};
    if (found && *found) {
        answer.state = shown_state((*found)->state);
        answer.timer = std::chrono::milliseconds((*found)->timer_ms);
    }
    return answer;
}

} // namespace

MiniSweep MiniSweeper::take(const MiniQuestion& question)
{
    MiniSweep sweep;
    if (!requests_) { // which is dear, and no part of what a sweep costs
        requests_ = RequestCount::open();
        lives_ = NamespaceLives::open(namespaces_fd_);
    }
    sweep.started = monotonic_now();
    const auto cpu_before = thread_cpu_time();
    std::vector<std::uint32_t> lost; // not where they were
    for (const auto& [inum, netns] : question.netns) {
        const UniqueFd fd = open_where_it_was(inum);
        if (fd.valid()) {
            ask_inside(fd.get(), inum, netns, sweep);
        } else {
            lost.push_back(inum);
        }
    }
    if (!lost.empty()) {
        seek(lost, question, sweep);
    }
    sweep.finished = monotonic_now();
    sweep.cpu += thread_cpu_time() - cpu_before;
    return sweep;
}

void MiniSweeper::seek(std::span<const std::uint32_t> lost, const MiniQuestion& question,
                       MiniSweep& sweep)
{
    const auto ended = *lives_ ? (*lives_)->ended() : tl::unexpected(lives_->error());
    bool looked_around = false;
    std::set<std::uint32_t> unmet; // by the tracer
    for (const std::uint32_t inum : lost) {
        const bool met = ended && ended->contains(inum);
        if (met && ended->at(inum)) {
            sweep.gone.insert(inum);
            continue;
        }
        const UniqueFd fd = open_netns(inum, looked_around);
        if (fd.valid()) {
            ask_inside(fd.get(), inum, question.netns.at(inum), sweep);
        } else if (!met) {
            unmet.insert(inum);
        }
    }
    if (!unmet.empty() && !somebody_hides_) {
        if (const auto in_use = census_.netns_of_tasks()) { // by a single thread
            std::ranges::set_difference(unmet, *in_use,
                                        std::inserter(sweep.gone, sweep.gone.end()));
        }
    }
}

void MiniSweeper::ask_inside(int netns_fd, std::uint32_t inum, const MiniQuestion::Netns& netns,
                             MiniSweep& sweep)
{
    Inside inside;
    const RequestCount* requests = netns.listeners > 0 && *requests_ ? &**requests_ : nullptr;
    const bool own = inum == own_inum_;
    const Expected<void> entered = enter_namespace(
        own ? -1 : netns_fd, [&] { read_inside(inum, netns.if_segments_came, requests, inside); });
    if (!entered || !inside.diag) {
        return;
    }
    if (!own) { // it was another thread's
        sweep.cpu += inside.cpu;
    }
    bool failed = !netns.look_up.empty() && !answers(*inside.diag);
    for (auto tuple = netns.look_up.begin(); tuple != netns.look_up.end() && !failed; ++tuple) {
        const MiniAnswer answer = look_up(*inside.diag, *tuple, failed);
        if (!failed) {
            sweep.answers.push_back(answer);
        }
    }
    if (requests != nullptr) { // after the look-ups: what has gone meanwhile is not counted
        inside.totals.requests = count_requests(*requests, inside.request_walks, netns);
    }
    sweep.totals.push_back(inside.totals);
    const bool segments_came =
        !inside.segments_in ||
        std::exchange(segments_in_[inum], *inside.segments_in) != *inside.segments_in;
    if (netns.list_all || (netns.list_half_open && segments_came)) {
        list(*inside.diag, inum, netns.list_all, sweep);
    }
}

Looks MiniSweeper::look(const LookQuestion& question)
{
    Looks looks;
    const auto cpu_before = thread_cpu_time();
    bool looked_around = false;
    for (const auto& [inum, sockets] : question.netns) {
        const UniqueFd fd = open_netns(inum, looked_around);
        Expected<SockDiag> diag = fd.valid() ? SockDiag::open(fd.get(), inum)
                                             : Expected<SockDiag>(tl::unexpected(Error::from_code(
                                                   ENOENT, "the network namespace has gone")));
        if (diag && answers(*diag)) {
            look_inside(*diag, sockets, looks);
        }
    }
    looks.cpu = thread_cpu_time() - cpu_before;
    return looks;
}

void MiniSweeper::look_inside(SockDiag& diag, std::span<const MissedSocket> sockets, Looks& looks)
{
    for (const MissedSocket& socket : sockets) {
        const auto found = diag.lookup(socket.tuple, family_of(socket.tuple), socket.cookie);
        if (!found) {
            return;
        }
        // Where a mini-socket was, a connection of the same tuple may be.
        const bool is_it = *found && (socket.cookie != 0 || (*found)->inode == 0);
        looks.answers.push_back(
            {socket, is_it ? std::optional(shown_state((*found)->state)) : std::nullopt});
    }
}

/// To a look-up a kernel without inet_diag says what one says that has no such socket: ENOENT.
bool MiniSweeper::answers(SockDiag& diag)
{
    if (!answers_) {
        std::vector<SocketRow> half_open;
        answers_ = diag.dump({.state_mask = kHalfOpenStates}, half_open).has_value();
    }
    return answers_;
}

void MiniSweeper::list(SockDiag& diag, std::uint32_t inum, bool all, MiniSweep& sweep)
{
    const auto before = thread_cpu_time();
    const Expected<DumpResult> dumped =
        diag.dump({.state_mask = all ? kMiniStates : kHalfOpenStates}, sweep.rows);
    if (dumped && !dumped->interrupted) {
        (all ? sweep.listed_all : sweep.listed_half_open).insert(inum);
    }
    sweep.listing_cpu += thread_cpu_time() - before;
}

UniqueFd MiniSweeper::open_where_it_was(std::uint32_t inum) const
{
    const auto known = paths_.find(inum);
    if (known == paths_.end()) {
        return {};
    }
    UniqueFd fd(::open(known->second.c_str(), O_RDONLY | O_CLOEXEC));
    return inum_of(fd) == inum ? std::move(fd) : UniqueFd();
}

/// By where it was last; else after one look at all processes, which is dear.
UniqueFd MiniSweeper::open_netns(std::uint32_t inum, bool& looked_around)
{
    UniqueFd fd = open_where_it_was(inum);
    if (!fd.valid() && !std::exchange(looked_around, true)) {
        look_around();
        fd = open_where_it_was(inum);
    }
    return fd;
}

void MiniSweeper::look_around()
{
    paths_.clear();
    const Expected<NamespaceList> list = list_namespaces();
    somebody_hides_ = !list || list->denied_count > 0;
    for (const NetworkNamespace& netns :
         list ? std::span(list->namespaces) : std::span<const NetworkNamespace>()) {
        paths_[netns.inum] = netns.pid != 0 ? "/proc/" + std::to_string(netns.pid) + "/ns/net"
                                            : "/run/netns/" + netns.name;
    }
    std::erase_if(segments_in_, [&](const auto& entry) { return !paths_.contains(entry.first); });
}

namespace {

/// Whether the lists hold as many mini-sockets as the kernel counts. An orphan in FIN_WAIT2 looks
/// like one; then they seem to hold more, and prove less.
bool nothing_skipped(const MiniSweep& sweep)
{
    std::map<std::uint32_t, std::uint64_t> listed;
    for (const SocketRow& row : sweep.rows) {
        const bool counted = row.inode == 0 &&
                             (row.state == TcpState::kTimeWait || row.state == TcpState::kFinWait2);
        listed[row.tuple.netns_inum] += counted ? 1U : 0U;
    }
    return std::ranges::all_of(sweep.totals, [&](const NetnsTotals& totals) {
        return !sweep.listed_all.contains(totals.netns_inum) ||
               totals.minis == listed[totals.netns_inum];
    });
}

} // namespace

MiniReport settle(MiniSettlement& minis, Settlement& settlement, Ledger& ledger,
                  const MiniSweep& sweep, const std::function<void()>& pause)
{
    for (const MiniAnswer& answer : sweep.answers) {
        minis.looked_up(answer.tuple, answer.state, answer.timer, sweep.finished);
    }
    minis.gone(sweep.gone);
    MiniReport report = minis.finish(sweep.totals, sweep.listed_all, sweep.listed_half_open);
    const bool all = !sweep.listed_all.empty();
    const auto& listed = all ? sweep.listed_all : sweep.listed_half_open;
    if (listed.empty()) {
        ledger.ends().remember(false);
        return report;
    }
    RowPauses pauses(pause);
    for (const SocketRow& row : sweep.rows) {
        if (listed.contains(row.tuple.netns_inum)) {
            settlement.listed(evidence_of(row));
        }
        pauses.row();
    }
    const std::vector<std::uint32_t> covered(listed.begin(), listed.end());
    const SettlementReport rest =
        settlement.finish({.netns_inums = covered,
                           .full_sockets = false,
                           .mini_states = all ? kMiniStates : kHalfOpenStates,
                           .nothing_skipped = all && nothing_skipped(sweep),
                           .every_netns = false},
                          sweep.finished);
    report.settled += rest.settled + rest.entered;
    report.drift += rest.drift;
    return report;
}

SettlementReport settle(Settlement& settlement, const Looks& looks)
{
    for (const Looks::Answer& answer : looks.answers) {
        settlement.looked_for(answer.socket, answer.state);
    }
    return settlement.finish_looks();
}

} // namespace tcpledger
