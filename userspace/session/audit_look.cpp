// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/audit_look.hpp"

#include "procfs/clock.hpp"
#include "procfs/processes.hpp"
#include "session/first_look.hpp"
#include "session/host_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <thread>
#include <unordered_set>

namespace tcpledger {
namespace {

/// The TcpExt counters that a rule looks at.
constexpr const char* kCounters[] = {
    "ListenOverflows", "ListenDrops",          "SyncookiesSent",      "SyncookiesFailed",
    "TCPReqQFullDrop", "TCPReqQFullDoCookies", "TCPTimeWaitOverflow",
};

AuditNetns netns_facts(const NetnsReading& reading, const FirstLook& first)
{
    AuditNetns netns;
    netns.inum = reading.inum;
    netns.name = reading.name;
    netns.pid = reading.pid;
    netns.own = reading.own;
    netns.reachable = reading.reachable;
    netns.sysctls = reading.sysctls;
    const auto before = first.counters.find(reading.inum);
    for (const char* const name : kCounters) {
        const auto now = reading.counters.value("TcpExt", name);
        if (now && before != first.counters.end()) {
            netns.counters[name] = {before->second.value("TcpExt", name).value_or(*now), *now};
        }
    }
    return netns;
}

AuditProcess process_facts(const ProcFs& proc, const ProcessKey& key, std::string_view comm)
{
    AuditProcess process;
    process.pid = key.pid;
    process.comm = comm;
    if (key.pid == 0) {
        return process;
    }
    const Expected<ProcessDetails> details = proc.process(key.pid);
    if (!details || (key.start_ticks != 0 && details->start_ticks != key.start_ticks)) {
        return process; // it has ended; the pid may be another's by now
    }
    process.command_line = details->command_line;
    process.container = details->container;
    process.descriptors_used = details->fds_used;
    if (details->fd_limit_soft != kUnlimited) {
        process.descriptor_limit = details->fd_limit_soft;
    }
    if (details->fd_limit_hard != kUnlimited) {
        process.descriptor_limit_hard = details->fd_limit_hard;
    }
    process.running_for = std::chrono::duration_cast<std::chrono::milliseconds>(
        boottime_now() - ticks_to_boottime(details->start_ticks, user_hz()));
    return process;
}

/// Writes the facts of one look; keeps which process is at which place.
class FactWriter {
public:
    FactWriter(AuditLook& look, const FirstLook& first) : look_(look), first_(first) {}

    void add_namespaces();
    void look_at_sockets();
    void add_tcp();
    void add_udp();
    void add_host();

private:
    [[nodiscard]] std::size_t place_of(ProcessId id);
    [[nodiscard]] std::size_t place_of(const CensusHolder& holder);
    [[nodiscard]] AuditSocket socket_of(const SocketRow& row);
    void add_listener_facts();

    AuditLook& look_;
    const FirstLook& first_;
    ProcFs proc_;
    std::unordered_map<std::uint32_t, std::size_t> netns_places_;
    std::unordered_map<std::uint32_t, Motions> motions_;
    std::unordered_map<std::uint32_t, std::size_t> process_places_;  ///< by pid
    std::unordered_map<std::uint64_t, std::size_t> listener_places_; ///< in sockets, by cookie
};

void FactWriter::add_namespaces()
{
    for (const NetworkNamespace& netns : look_.namespaces) {
        Expected<NetnsReading> reading = read_netns(netns, audited_sysctls());
        if (!reading) {
            look_.notes.push_back(
                fmt::format("network namespace {}: {}", netns.inum, reading.error().message()));
            continue;
        }
        netns_places_.emplace(netns.inum, look_.facts.netns.size());
        look_.facts.netns.push_back(netns_facts(*reading, first_));
        look_.readings.push_back(*std::move(reading));
    }
}

void FactWriter::look_at_sockets()
{
    for (const NetworkNamespace& netns : look_.namespaces) {
        if (Expected<Motions> motions = look_at_motions(netns)) {
            motions_.emplace(netns.inum, *std::move(motions));
        } else {
            look_.notes.push_back(
                fmt::format("network namespace {}: {}", netns.inum, motions.error().message()));
        }
    }
}

std::size_t FactWriter::place_of(ProcessId id)
{
    if (id == kUnknownProcess) {
        return kNobody;
    }
    const Process& process = look_.snapshot->ledger.books().processes().at(id);
    const auto [found, is_new] =
        process_places_.try_emplace(process.key.pid, look_.facts.processes.size());
    if (is_new) {
        look_.facts.processes.push_back(process_facts(proc_, process.key, process.comm));
    }
    return found->second;
}

std::size_t FactWriter::place_of(const CensusHolder& holder)
{
    const auto [found, is_new] =
        process_places_.try_emplace(holder.pid, look_.facts.processes.size());
    if (is_new) {
        look_.facts.processes.push_back(
            process_facts(proc_, {holder.pid, holder.start_ticks}, holder.comm()));
    }
    return found->second;
}

AuditSocket FactWriter::socket_of(const SocketRow& row)
{
    AuditSocket socket;
    socket.tuple = row.tuple;
    socket.netns = netns_places_.at(row.tuple.netns_inum);
    socket.udp = row.protocol == IPPROTO_UDP;
    socket.state = shown_state(row.state);
    socket.held = row.inode != 0;
    socket.mini = row.state == TcpState::kTimeWait || row.timer == SocketTimer::kTimeWait;
    socket.keepalive = row.timer == SocketTimer::kKeepalive;
    socket.retransmits = row.timer == SocketTimer::kRetransmit ? row.retransmits : std::uint8_t{0};
    socket.recv_queue = row.recv_queue_bytes;
    socket.send_queue = row.send_queue_bytes;
    return socket;
}

void add_motion(AuditSocket& socket, const SocketMotion& now)
{
    socket.recv_queue = now.recv_queue;
    socket.recv_buffer = now.recv_buffer;
    socket.recv_memory = now.recv_memory;
    socket.drops = now.drops;
    socket.consumed = now.consumed;
    socket.since_segment = now.since_segment;
    socket.since_data_came = now.since_data_came;
    socket.since_data_went = now.since_data_went;
}

void add_motion_before(AuditSocket& socket, const SocketMotion& before)
{
    socket.recv_queue_before = before.recv_queue;
    socket.drops_before = before.drops;
    socket.consumed_before = before.consumed;
}

const SocketMotion* find(const std::unordered_map<std::uint32_t, Motions>& all,
                         const SocketRow& row)
{
    const auto motions = all.find(row.tuple.netns_inum);
    if (motions == all.end()) {
        return nullptr;
    }
    const auto motion = motions->second.find(row.cookie);
    return motion != motions->second.end() ? &motion->second : nullptr;
}

void FactWriter::add_tcp()
{
    const Books& books = look_.snapshot->ledger.books();
    std::unordered_set<std::uint64_t> seen; // a dump can repeat a socket
    for (const SocketRow& row : look_.snapshot->census.rows) {
        if (row.protocol != IPPROTO_TCP || !netns_places_.contains(row.tuple.netns_inum) ||
            !seen.insert(row.cookie).second) {
            continue;
        }
        AuditSocket socket = socket_of(row);
        ConnectionId id = books.find_by_cookie(row.cookie);
        id = id == kNoConnection ? books.find_mini(row.tuple) : id;
        if (id != kNoConnection) {
            socket.process = place_of(books.at(id).owner);
            socket.unaccepted = books.at(id).unaccepted;
        }
        if (const SocketMotion* now = find(motions_, row)) {
            add_motion(socket, *now);
        }
        if (const SocketMotion* before = find(first_.tcp, row)) {
            add_motion_before(socket, *before);
        }
        if (row.state == TcpState::kListen) {
            listener_places_.emplace(row.cookie, look_.facts.sockets.size());
        }
        look_.facts.sockets.push_back(socket);
    }
    add_listener_facts();
}

void FactWriter::add_listener_facts()
{
    add_tcp_listeners(look_.inventory, *look_.snapshot, look_.namespaces);
    count_siblings(look_.inventory);
    for (const Listener& listener : look_.inventory.listeners) {
        if (const auto found = listener_places_.find(listener.row.cookie);
            found != listener_places_.end()) {
            look_.facts.sockets[found->second].half_open = listener.half_open;
            look_.facts.sockets[found->second].siblings = listener.siblings;
        }
    }
}

/// Only sockets with something in their queue, or that have lost something: no rule looks at
/// others, and who holds them costs a walk of /proc.
void FactWriter::add_udp()
{
    Datagrams all = dump_datagrams(look_.namespaces);
    std::ranges::move(all.notes, std::back_inserter(look_.notes));
    Datagrams datagrams;
    for (std::size_t at = 0; at < all.rows.size(); ++at) {
        if ((all.rows[at].recv_queue_bytes > 0 || all.details[at].memory.drops_count > 0) &&
            netns_places_.contains(all.rows[at].tuple.netns_inum)) {
            datagrams.rows.push_back(all.rows[at]);
            datagrams.details.push_back(all.details[at]);
        }
    }
    if (datagrams.rows.empty()) {
        return;
    }
    find_holders(datagrams);
    for (std::size_t at = 0; at < datagrams.rows.size(); ++at) {
        const SocketRow& row = datagrams.rows[at];
        AuditSocket socket = socket_of(row);
        add_motion(socket, motion_of(row, datagrams.details[at]));
        if (const auto before = first_.udp.find(row.inode); before != first_.udp.end()) {
            add_motion_before(socket, before->second);
        }
        if (const auto holders = datagrams.holders_of(row); !holders.empty()) {
            socket.process = place_of(holders.front());
        }
        look_.facts.sockets.push_back(socket);
    }
}

void FactWriter::add_host()
{
    const Sysctls sysctls;
    if (const Expected<SocketTotals> totals = read_socket_totals()) {
        look_.facts.orphans = totals->orphans;
    }
    if (const auto most = sysctls.number("net.ipv4.tcp_max_orphans"); most && *most >= 0) {
        look_.facts.max_orphans = static_cast<std::uint64_t>(*most);
    }
    if (const Expected<FileTotals> files = read_file_totals(sysctls)) {
        look_.facts.files = files->allocated;
        look_.facts.max_files = files->max;
    }
}

} // namespace

Expected<AuditLook> look_twice(const AuditRequest& request)
{
    if (const Expected<void> permitted = may_take_snapshot(); !permitted) {
        return tl::unexpected(permitted.error());
    }
    Expected<NamespaceList> chosen = choose_namespaces(request.netns);
    if (!chosen) {
        return tl::unexpected(chosen.error());
    }
    AuditLook look;
    look.namespaces = std::move(chosen->namespaces);
    const FirstLook first = take_first_look(look.namespaces);
    if (request.wait) {
        request.wait(request.interval);
    } else {
        std::this_thread::sleep_for(request.interval);
    }

    FactWriter writer(look, first);
    look.facts.interval =
        std::chrono::duration_cast<std::chrono::milliseconds>(monotonic_now() - first.at);
    writer.add_namespaces();
    writer.look_at_sockets();
    auto snapshot = take_snapshot();
    if (!snapshot) {
        return tl::unexpected(snapshot.error());
    }
    look.snapshot = *std::move(snapshot);
    std::ranges::copy(look.snapshot->census.notes, std::back_inserter(look.notes));
    writer.add_tcp();
    writer.add_udp();
    if (request.netns.value_or("all") == "all") {
        writer.add_host();
    }
    return look;
}

} // namespace tcpledger
