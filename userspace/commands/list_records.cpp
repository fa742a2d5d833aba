// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/list_records.hpp"

#include "output/escape.hpp"

#include <fmt/format.h>

#include <iterator>

namespace tcpledger {
namespace {

std::string_view protocol_name(const SocketRow& row)
{
    return row.protocol == IPPROTO_UDP ? "udp" : "tcp";
}

std::string_view family_name(const SocketRow& row)
{
    return row.tuple.local.address.is_ipv4() ? "ipv4" : "ipv6";
}

/// TIME_WAIT, the FIN_WAIT2 that outlives close() and half-open connections: nobody's, so
/// without a uid.
bool is_mini(const SocketRow& row)
{
    return row.state == TcpState::kTimeWait ||
           (row.inode == 0 &&
            (row.timer == SocketTimer::kTimeWait || shown_state(row.state) == TcpState::kSynRecv));
}

std::optional<std::uint32_t> pid_of(const CensusHolder& process)
{
    return process.pid != 0 ? std::optional(process.pid) : std::nullopt;
}

void write_owner(JsonWriter& json, const ListedOwner& owner)
{
    json.key("owner");
    if (owner.process == nullptr) {
        json.null();
        return;
    }
    json.begin_object().field("pid", pid_of(*owner.process));
    json.field("comm", owner.process->comm()).field("how", how_name(owner.how)).end_object();
}

std::string_view timer_word(SocketTimer timer)
{
    switch (timer) {
    case SocketTimer::kRetransmit:
        return "retransmit";
    case SocketTimer::kKeepalive:
        return "keepalive";
    case SocketTimer::kTimeWait:
        return "time_wait";
    case SocketTimer::kPersist:
        return "persist";
    case SocketTimer::kNone:
    case SocketTimer::kUnknown:
        break;
    }
    return "unknown";
}

void write_timer(JsonWriter& json, const SocketRow& row)
{
    json.key("timer");
    if (row.timer == SocketTimer::kNone) {
        json.null();
        return;
    }
    json.begin_object().field("name", timer_word(row.timer)).field("left_ms", row.timer_ms);
    json.field("retransmits", row.retransmits).end_object();
}

void write_memory(JsonWriter& json, const SocketDetails* details)
{
    json.key("memory");
    if (details == nullptr || !details->has_memory) {
        json.null();
        return;
    }
    const SocketMemory& memory = details->memory;
    json.begin_object();
    json.field("recv_allocated_bytes", memory.recv_allocated_bytes);
    json.field("recv_buffer_bytes", memory.recv_buffer_bytes);
    json.field("send_allocated_bytes", memory.send_allocated_bytes);
    json.field("send_buffer_bytes", memory.send_buffer_bytes);
    json.field("forward_allocated_bytes", memory.forward_allocated_bytes);
    json.field("send_queued_bytes", memory.send_queued_bytes);
    json.field("option_bytes", memory.option_bytes).field("backlog_bytes", memory.backlog_bytes);
    json.field("drops", memory.drops_count).end_object();
}

void write_info(JsonWriter& json, const SocketDetails* details)
{
    json.key("tcp_info");
    if (details == nullptr || !details->has_info) {
        json.null();
        return;
    }
    const TcpInfo& info = details->info;
    json.begin_object().field("congestion", details->congestion());
    json.field("rto_us", info.rto_us).field("rtt_us", info.srtt_us);
    json.field("rttvar_us", info.rttvar_us).field("min_rtt_us", info.min_rtt_us);
    json.field("send_mss_bytes", info.send_mss_bytes);
    json.field("path_mtu_bytes", info.path_mtu_bytes);
    json.field("congestion_window", info.congestion_window_count);
    json.field("slow_start_threshold", info.send_ssthresh_count);
    json.field("bytes_sent", info.bytes_sent).field("bytes_acked", info.bytes_acked);
    json.field("bytes_received", info.bytes_received);
    json.field("bytes_retransmitted", info.bytes_retransmitted);
    json.field("segments_out", info.segments_out).field("segments_in", info.segments_in);
    json.field("unacked", info.unacked_count).field("lost", info.lost_count);
    json.field("total_retransmits", info.total_retransmits);
    json.field("not_sent_bytes", info.not_sent_bytes);
    json.field("send_window_bytes", info.send_window_bytes);
    json.field("pacing_bytes_per_s", info.pacing_bytes_per_s);
    json.field("delivery_bytes_per_s", info.delivery_bytes_per_s);
    json.field("app_limited", info.app_limited);
    json.field("last_data_sent_ms", info.last_data_sent_ms);
    json.field("last_data_received_ms", info.last_data_recv_ms);
    json.field("last_ack_received_ms", info.last_ack_recv_ms);
    json.field("busy_us", info.busy_us);
    json.field("recv_window_limited_us", info.recv_window_limited_us);
    json.field("send_buffer_limited_us", info.send_buffer_limited_us).end_object();
}

void write_asked_for(JsonWriter& json, const ListedSocket& socket, const ListOptions& options)
{
    const SocketRow& row = socket.row;
    if (options.timers || options.extended) {
        write_timer(json, row);
    }
    if (options.extended) {
        json.field("mark", row.mark).field("interface_index", row.interface_index);
        json.field("cgroup_id", row.cgroup_id);
    }
    if (options.memory) {
        write_memory(json, socket.details);
    }
    if (options.info) {
        write_info(json, socket.details);
    }
}

} // namespace

void begin_list(JsonWriter& json)
{
    json.begin_object().field("version", 1).key("sockets").begin_array();
}

void end_list(JsonWriter& json)
{
    json.end_array().end_object();
}

void write_json(JsonWriter& json, const ListedSocket& socket, const ListOptions& options)
{
    const SocketRow& row = socket.row;
    const FourTuple& tuple = row.tuple;
    json.begin_object();
    json.field("protocol", protocol_name(row)).field("family", family_name(row));
    json.field("netns", tuple.netns_inum).field("state", row.state);
    json.field("local_address", tuple.local.address).field("local_port", tuple.local.port);
    if (tuple.remote.port != 0) {
        json.field("remote_address", tuple.remote.address);
        json.field("remote_port", tuple.remote.port);
    } else {
        json.null_field("remote_address").null_field("remote_port");
    }
    json.field("recv_queue", row.recv_queue_bytes).field("send_queue", row.send_queue_bytes);
    is_mini(row) ? json.null_field("uid") : json.field("uid", row.uid);
    row.inode != 0 ? json.field("inode", row.inode) : json.null_field("inode");
    json.field("cookie", row.cookie);
    write_owner(json, socket.owner);
    json.key("holders").begin_array();
    for (const CensusHolder* holder : socket.holders) {
        json.begin_object().field("pid", holder->pid).field("comm", holder->comm());
        json.field("fd", holder->fd).end_object();
    }
    json.end_array();
    json.field("unaccepted", socket.owner.unaccepted);
    const auto age = time_wait_age(row);
    age ? json.field("state_age_ms", age->count()) : json.null_field("state_age_ms");
    json.field("age_is_lower_bound", !age.has_value());
    write_asked_for(json, socket, options);
    json.end_object();
}

std::string_view list_csv_header()
{
    return "protocol,family,netns,state,local_address,local_port,remote_address,remote_port,"
           "recv_queue,send_queue,uid,inode,cookie,owner_pid,owner_comm,how,unaccepted,"
           "state_age_ms,holders";
}

/// The holders are one field: "pid:fd" with blanks between them.
void write_csv(CsvWriter& csv, const ListedSocket& socket)
{
    const SocketRow& row = socket.row;
    const FourTuple& tuple = row.tuple;
    csv.value(protocol_name(row)).value(family_name(row)).value(tuple.netns_inum);
    csv.value(row.state).value(tuple.local.address).value(tuple.local.port);
    if (tuple.remote.port != 0) {
        csv.value(tuple.remote.address).value(tuple.remote.port);
    } else {
        csv.null().null();
    }
    csv.value(row.recv_queue_bytes).value(row.send_queue_bytes);
    is_mini(row) ? csv.null() : csv.value(row.uid);
    row.inode != 0 ? csv.value(row.inode) : csv.null();
    csv.value(row.cookie);
    if (const CensusHolder* owner = socket.owner.process) {
        csv.value(pid_of(*owner)).value(owner->comm()).value(how_name(socket.owner.how));
    } else {
        csv.null().null().null();
    }
    csv.value(socket.owner.unaccepted);
    const auto age = time_wait_age(row);
    age ? csv.value(age->count()) : csv.null();
    std::string holders;
    for (const CensusHolder* holder : socket.holders) {
        fmt::format_to(std::back_inserter(holders), "{}{}:{}", holders.empty() ? "" : " ",
                       holder->pid, holder->fd);
    }
    csv.value(holders);
}

} // namespace tcpledger
