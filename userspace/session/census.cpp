// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/census.hpp"

#include "kernel/abilities.hpp"
#include "netlink/namespaces.hpp"
#include "procfs/clock.hpp"
#include "procfs/descriptors.hpp"
#include "procfs/processes.hpp"
#include "session/row_pauses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace tcpledger {
namespace {

void set_comm(CensusHolder& holder, std::string_view comm)
{
    holder.comm_size =
        static_cast<std::uint8_t>(std::min(comm.size(), holder.comm_bytes.size() - 1));
    std::copy_n(comm.begin(), holder.comm_size, holder.comm_bytes.begin());
}

CensusHolder from_iterator(const tl_holder& row, std::uint32_t hz)
{
    CensusHolder holder;
    holder.cookie = row.cookie;
    holder.sock = row.sock;
    holder.pid = row.process.tgid;
    holder.fd = row.fd;
    holder.start_ticks = boottime_to_ticks(
        std::chrono::nanoseconds(static_cast<std::int64_t>(row.process.start_ns)), hz);
    holder.cgroup_id = row.process.cgroup_id;
    holder.uid = row.process.uid;
    holder.port_origin = static_cast<PortOrigin>(row.port_origin);
    set_comm(holder, {row.process.comm, ::strnlen(row.process.comm, sizeof(row.process.comm))});
    return holder;
}

HolderEvidence evidence_of(const CensusHolder& holder)
{
    return {holder.cookie,
            holder.sock,
            {{holder.pid, holder.start_ticks}, holder.cgroup_id, holder.uid, holder.comm()},
            holder.port_origin};
}

/// inode → cookies. The sockets of one MPTCP connection share their inode number.
class InodeIndex {
public:
    explicit InodeIndex(const std::vector<SocketRow>& rows)
    {
        for (const SocketRow& row : rows) {
            if (row.inode != 0) {
                sockets_.emplace_back(row.inode, row.cookie);
            }
        }
        std::ranges::sort(sockets_);
    }
    template <typename Visit> void each(std::uint64_t inode, Visit&& visit) const
    {
        auto socket = std::ranges::lower_bound(sockets_, std::pair(inode, std::uint64_t{0}));
        for (; socket != sockets_.end() && socket->first == inode; ++socket) {
            visit(socket->second);
        }
    }

private:
    std::vector<std::pair<std::uint64_t, std::uint64_t>> sockets_;
};

} // namespace

SocketEvidence evidence_of(const SocketRow& row)
{
    return {row.tuple, row.cookie, row.inode, row.family, row.state, row.mark, row.interface_index};
}

CensusTaker CensusTaker::open(bool want_udp, const SocketMarks& marks)
{
    CensusTaker taker;
    Expected<TaskFileScan> scan = TaskFileScan::open(want_udp, marks);
    if (scan) {
        taker.scan_ = std::move(*scan);
        taker.marks_ = marks.map_fd >= 0;
    } else {
        taker.scan_note_ = scan.error().message() + "; walking /proc instead";
    }
    return taker;
}

Census CensusTaker::take(const CensusRequest& request) const
{
    Census census;
    const auto cpu_before = thread_cpu_time();
    census.started = monotonic_now();
    census.mini_states = request.time_wait ? kMiniStates : kHalfOpenStates;
    dump_namespaces(census, request.time_wait ? kStatesOfSs
                                              : kStatesOfSs & ~state_bit(TcpState::kTimeWait));
    find_holders(census);
    find_unread_namespaces(census);
    census.finished = monotonic_now();
    find_exited(request.processes, census);
    census.cpu = thread_cpu_time() - cpu_before;
    return census;
}

void CensusTaker::find_exited(const std::vector<ProcessKey>& processes, Census& census)
{
    std::vector<ProcessKey> holding;
    for (const CensusHolder& holder : census.holders) {
        const ProcessKey key{holder.pid, holder.start_ticks};
        if (holding.empty() || holding.back() != key) {
            holding.push_back(key);
        }
    }
    std::ranges::sort(holding);
    const ProcFs proc;
    for (const ProcessKey& key : processes) {
        if (std::ranges::binary_search(holding, key)) {
            continue;
        }
        const Expected<ProcessStat> stat = proc.stat(key.pid);
        const bool other = stat && (stat->start_ticks != key.start_ticks || stat->zombie());
        if (other || (!stat && is_gone(stat.error()))) {
            census.exited.push_back(key);
        }
    }
}

void CensusTaker::dump_namespaces(Census& census, std::uint32_t state_mask)
{
    const Expected<NamespaceList> list = list_namespaces();
    if (!list) {
        census.notes.push_back(list.error().message());
        return;
    }
    const bool nobody_hides = list->denied_count == 0; // who does may hide from iterators too
    census.every_netns = nobody_hides;
    census.every_process = nobody_hides;
    if (list->denied_count > 0 && !held_capabilities().sys_ptrace) {
        census.notes.push_back(
            fmt::format("{} process{} may not be looked at (needs CAP_SYS_PTRACE): what only they "
                        "hold shows no owner, and a network namespace of theirs alone is missing",
                        list->denied_count, list->denied_count == 1 ? "" : "es"));
    }
    bool own = true; // the first of the list: no need to enter it
    for (const NetworkNamespace& netns : list->namespaces) {
        const int fd = std::exchange(own, false) ? -1 : netns.fd.get();
        Expected<SockDiag> diag = SockDiag::open(fd, netns.inum);
        const Expected<DumpResult> dumped =
            diag ? diag->dump({.state_mask = state_mask}, census.rows)
                 : Expected<DumpResult>(tl::unexpected(diag.error()));
        const bool whole = dumped && !dumped->interrupted;
        (whole ? census.netns_inums : census.unread_netns).push_back(netns.inum);
        if (!dumped) {
            census.notes.push_back(
                fmt::format("network namespace {}: {}", netns.inum, dumped.error().message()));
        } else if (dumped->interrupted) {
            census.notes.push_back(fmt::format(
                "network namespace {}: the dump was interrupted {} times; its rows are a lower "
                "bound",
                netns.inum, dumped->tries));
        }
    }
}

std::optional<std::set<std::uint32_t>> CensusTaker::netns_of_tasks() const
{
    Expected<std::set<std::uint32_t>> inums = scan_ ? scan_->netns() : tl::unexpected(Error());
    return inums ? std::optional(*std::move(inums)) : std::nullopt;
}

/// Those of processes that may not be looked at, and of single threads.
void CensusTaker::find_unread_namespaces(Census& census) const
{
    const auto inums = netns_of_tasks();
    if (!inums) {
        return;
    }
    for (const std::uint32_t inum : *inums) {
        if (std::ranges::find(census.netns_inums, inum) == census.netns_inums.end() &&
            std::ranges::find(census.unread_netns, inum) == census.unread_netns.end()) {
            census.unread_netns.push_back(inum);
        }
    }
}

void CensusTaker::find_holders(Census& census) const
{
    find_holders(census, walk());
}

std::optional<HolderWalk> CensusTaker::walk() const
{
    if (!scan_) {
        return std::nullopt;
    }
    HolderWalk walk;
    const std::uint32_t hz = user_hz();
    walk.done = scan_->run([&](const tl_holder& row) {
        const CensusHolder holder = from_iterator(row, hz);
        if (row.is_mptcp == 0) {
            walk.holders.push_back(holder);
        } else {
            walk.mptcp.emplace_back(row.inode, holder);
        }
    });
    return walk;
}

void CensusTaker::find_holders(Census& census, std::optional<HolderWalk> walk) const
{
    if (!walk || !walk->done) {
        census.notes.push_back(walk ? walk->done.error().message() + "; walking /proc instead"
                                    : scan_note_);
        find_holders_in_proc(census);
        return;
    }
    census.holders = std::move(walk->holders);
    if (!walk->mptcp.empty()) {
        const InodeIndex sockets_of_inode(census.rows);
        for (const auto& [inode, holder] : walk->mptcp) {
            sockets_of_inode.each(inode, [&](std::uint64_t cookie) {
                CensusHolder& subflow = census.holders.emplace_back(holder);
                subflow.cookie = cookie;
                subflow.sock = 0; // that is the MPTCP connection's
            });
        }
    }
    census.holders_complete = true;
    census.marked = marks_;
}

void CensusTaker::find_holders_in_proc(Census& census)
{
    const Expected<HolderScan> scan = scan_holders();
    if (!scan) {
        census.notes.push_back(scan.error().message());
        return;
    }
    if (scan->processes_denied > 0) {
        census.notes.push_back(fmt::format("the descriptors of {} processes may not be read: "
                                           "sockets that only they hold have no owner",
                                           scan->processes_denied));
    }
    const InodeIndex sockets_of_inode(census.rows);
    for (const SocketHolder& found : scan->holders) {
        // What is not there is of another protocol, or younger than the dump.
        sockets_of_inode.each(found.inode, [&](std::uint64_t cookie) {
            CensusHolder& holder = census.holders.emplace_back();
            holder.cookie = cookie;
            holder.pid = found.pid;
            holder.fd = found.fd;
            holder.start_ticks = found.start_ticks;
            holder.uid = found.uid;
            set_comm(holder, found.comm);
        });
    }
    census.holders_complete = scan->processes_denied == 0;
}

SettlementReport settle(Settlement& settlement, const Census& census,
                        const std::function<void()>& pause)
{
    RowPauses pauses(pause);
    for (const SocketRow& row : census.rows) {
        settlement.listed(evidence_of(row));
        pauses.row();
    }
    for (const CensusHolder& holder : census.holders) {
        settlement.held(evidence_of(holder));
        pauses.row();
    }
    return settlement.finish({.netns_inums = census.netns_inums,
                              .holders = census.holders_complete,
                              .mini_states = census.mini_states,
                              .every_netns = census.every_netns,
                              .every_process = census.every_process,
                              .unread_netns = census.unread_netns},
                             census.finished);
}

} // namespace tcpledger
