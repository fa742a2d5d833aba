// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/list_view.hpp"

#include "output/escape.hpp"

#include <fmt/format.h>

#include <iterator>

namespace tcpledger {
namespace {

constexpr std::chrono::milliseconds kTimeWaitLength{60'000}; // TCP_TIMEWAIT_LEN

bool is_pseudo(const Process& process)
{
    return process.key.pid == 0;
}

/// "0.0.0.0:80", "[::1]:80", and ss's "*" for what is not bound or connected.
std::string endpoint_text(const Endpoint& endpoint, bool dual_stack)
{
    const std::string address = dual_stack && endpoint.address.is_wildcard() ? "*"
                                : endpoint.address.is_ipv4() ? endpoint.address.text()
                                                             : "[" + endpoint.address.text() + "]";
    return address + ":" + (endpoint.port != 0 ? std::to_string(endpoint.port) : "*");
}

void write_owner(JsonWriter& json, const ListedSocket& socket)
{
    json.key("owner");
    if (socket.owner == nullptr) {
        json.null();
        return;
    }
    json.begin_object();
    if (is_pseudo(*socket.owner)) {
        json.null_field("pid");
    } else {
        json.field("pid", socket.owner->key.pid);
    }
    json.field("comm", socket.owner->comm).field("how", how_name(socket.how)).end_object();
}

} // namespace

std::optional<std::chrono::milliseconds> time_wait_age(const SocketRow& row)
{
    const std::chrono::milliseconds left(row.timer_ms);
    if (row.state != TcpState::kTimeWait || row.timer != SocketTimer::kTimeWait ||
        left > kTimeWaitLength) {
        return std::nullopt;
    }
    return kTimeWaitLength - left;
}

void begin_list(JsonWriter& json)
{
    json.begin_object().field("version", 1).key("sockets").begin_array();
}

void end_list(JsonWriter& json)
{
    json.end_array().end_object();
}

void write_json(JsonWriter& json, const ListedSocket& socket)
{
    const SocketRow& row = socket.row;
    const FourTuple& tuple = row.tuple;
    json.begin_object();
    json.field("protocol", "tcp");
    json.field("family", tuple.local.address.is_ipv4() ? "ipv4" : "ipv6");
    json.field("netns", tuple.netns_inum).field("state", row.state);
    json.field("local_address", tuple.local.address).field("local_port", tuple.local.port);
    if (tuple.remote.port != 0) {
        json.field("remote_address", tuple.remote.address);
        json.field("remote_port", tuple.remote.port);
    } else {
        json.null_field("remote_address").null_field("remote_port");
    }
    json.field("recv_queue", row.recv_queue_bytes).field("send_queue", row.send_queue_bytes);
    const bool has_inode = row.inode != 0;
    const bool mini =
        row.state == TcpState::kTimeWait || (!has_inode && row.state == TcpState::kSynRecv);
    mini ? json.null_field("uid") : json.field("uid", row.uid);
    has_inode ? json.field("inode", row.inode) : json.null_field("inode");
    json.field("cookie", row.cookie);
    write_owner(json, socket);
    json.key("holders").begin_array();
    for (const CensusHolder& holder : socket.holders) {
        json.begin_object().field("pid", holder.pid).field("comm", holder.comm());
        json.field("fd", holder.fd).end_object();
    }
    json.end_array();
    json.field("unaccepted", socket.unaccepted);
    const auto age = time_wait_age(row);
    age ? json.field("state_age_ms", age->count()) : json.null_field("state_age_ms");
    json.field("age_is_lower_bound", !age.has_value());
    json.end_object();
}

std::string ListText::header() const
{
    return fmt::format("{:<11} {:<7} {:<7} {:>25} {:>25} {}{}{}", "State", "Recv-Q", "Send-Q",
                       "Local Address:Port", "Peer Address:Port", with_netns_ ? "Netns      " : "",
                       "Process", extended_ ? " uid ino cookie" : "");
}

std::string_view ListText::format(const ListedSocket& socket)
{
    const SocketRow& row = socket.row;
    const bool dual_stack = row.family == 10 && !row.ipv6_only && row.state == TcpState::kListen;
    line_.clear();
    fmt::format_to(std::back_inserter(line_), "{:<11} {:<7} {:<7} {:>25} {:>25} ",
                   ss_state_name(row.state), row.recv_queue_bytes, row.send_queue_bytes,
                   endpoint_text(row.tuple.local, dual_stack),
                   endpoint_text(row.tuple.remote, dual_stack));
    if (with_netns_) {
        fmt::format_to(std::back_inserter(line_), "{:<10} ", row.tuple.netns_inum);
    }
    append_process(socket);
    if (extended_) {
        fmt::format_to(std::back_inserter(line_), " uid:{} ino:{} sk:{:x}", row.uid, row.inode,
                       row.cookie);
    }
    while (line_.ends_with(' ')) {
        line_.pop_back();
    }
    return line_;
}

/// Who holds it, as ss writes it; where nobody does, its owner and how that is known.
void ListText::append_process(const ListedSocket& socket)
{
    const auto out = std::back_inserter(line_);
    if (!socket.holders.empty()) {
        line_ += "users:(";
        const char* comma = "";
        for (const CensusHolder& holder : socket.holders) {
            fmt::format_to(out, "{}(\"{}\",pid={},fd={})", comma, visible(holder.comm()),
                           holder.pid, holder.fd);
            comma = ",";
        }
        line_ += ")";
        return;
    }
    if (socket.owner == nullptr) {
        return;
    }
    if (is_pseudo(*socket.owner)) {
        fmt::format_to(out, "owner:({})", socket.owner->comm);
    } else {
        fmt::format_to(out, "owner:((\"{}\",pid={},{}))", visible(socket.owner->comm),
                       socket.owner->key.pid,
                       socket.unaccepted ? std::string_view("unaccepted") : how_name(socket.how));
    }
}

} // namespace tcpledger
