// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/list_text.hpp"

#include "commands/list_tcp_info.hpp"
#include "output/escape.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <iterator>
#include <ranges>

namespace tcpledger {
namespace {

void append_number(std::string& out, std::uint64_t number)
{
    const fmt::format_int text(number);
    out.append(text.data(), text.size());
}

void append_ipv4(std::string& out, const IpAddress& address)
{
    for (std::size_t at = 12; at < 16; ++at) {
        append_number(out, address.bytes[at]);
        if (at != 15) {
            out += '.';
        }
    }
}

void append_ipv6(std::string& out, const IpAddress& address)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET6, address.bytes.data(), text.data(), text.size());
    out += '[';
    out += text.data();
    out += ']';
}

std::string_view timer_name(SocketTimer timer)
{
    switch (timer) {
    case SocketTimer::kNone:
        return "off";
    case SocketTimer::kRetransmit:
        return "on";
    case SocketTimer::kKeepalive:
        return "keepalive";
    case SocketTimer::kTimeWait:
        return "timewait";
    case SocketTimer::kPersist:
        return "persist";
    case SocketTimer::kUnknown:
        break;
    }
    return "unknown";
}

/// ss's own way with times: "119min", "1min12sec", "56sec", "7.392ms" (seconds!), "196ms".
void append_timer_time(std::string& out, std::uint32_t milliseconds)
{
    const std::uint32_t minutes = milliseconds / 60'000;
    std::uint32_t seconds = milliseconds / 1000 % 60;
    std::uint32_t rest = milliseconds % 1000;
    const auto at = std::back_inserter(out);
    if (minutes != 0) {
        rest = 0;
        seconds = minutes > 9 ? 0 : seconds;
        fmt::format_to(at, "{}min", minutes);
    }
    if (seconds != 0) {
        rest = seconds > 9 ? 0 : rest;
        fmt::format_to(at, "{}{}", seconds, rest != 0 ? "." : "sec");
    }
    if (rest != 0) {
        fmt::format_to(at, "{:03}ms", rest);
    }
}

} // namespace

void EndpointNames::append_port(std::string& out, std::uint16_t port, bool udp,
                                const PortRange& ephemeral)
{
    if (port == 0) {
        out += '*';
        return;
    }
    if (numeric_ || ephemeral.contains(port)) {
        append_number(out, port);
        return;
    }
    const std::uint32_t key = port | (udp ? 0x10000U : 0U);
    auto known = services_.find(key);
    if (known == services_.end()) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): the one thread that writes the list
        const servent* entry = ::getservbyport(htons(port), udp ? "udp" : "tcp");
        known =
            services_.emplace(key, entry != nullptr ? visible(entry->s_name) : std::string()).first;
    }
    if (known->second.empty()) {
        append_number(out, port);
    } else {
        out += known->second;
    }
}

const std::string& EndpointNames::host_of(const IpAddress& address, std::uint8_t family)
{
    const auto known = hosts_.find(address);
    if (known != hosts_.end()) {
        return known->second;
    }
    std::array<char, NI_MAXHOST> name{};
    int result = 0;
    if (family == AF_INET || address.is_ipv4()) {
        sockaddr_in where{};
        where.sin_family = AF_INET;
        std::memcpy(&where.sin_addr, address.bytes.data() + 12, sizeof(where.sin_addr));
        result = ::getnameinfo(reinterpret_cast<const sockaddr*>(&where), sizeof(where),
                               name.data(), name.size(), nullptr, 0, NI_NAMEREQD);
    } else {
        sockaddr_in6 where{};
        where.sin6_family = AF_INET6;
        std::memcpy(&where.sin6_addr, address.bytes.data(), sizeof(where.sin6_addr));
        result = ::getnameinfo(reinterpret_cast<const sockaddr*>(&where), sizeof(where),
                               name.data(), name.size(), nullptr, 0, NI_NAMEREQD);
    }
    return hosts_.emplace(address, result == 0 ? visible(name.data()) : std::string())
        .first->second;
}

void EndpointNames::append_address(std::string& out, const IpAddress& address, std::uint8_t family,
                                   bool ipv6_only)
{
    const bool wildcard = address.is_wildcard();
    if (family == AF_INET6 && wildcard && !ipv6_only && !address.is_ipv4()) {
        out += '*';
        return;
    }
    if (resolve_ && !wildcard) {
        if (const std::string& name = host_of(address, family); !name.empty()) {
            out += name;
            return;
        }
    }
    family == AF_INET ? append_ipv4(out, address) : append_ipv6(out, address);
}

ListText::ListText(const ListOptions& options, const NamespaceList& namespaces, HostNames& names)
    : options_(options), names_(names), endpoints_(options.numeric, options.resolve)
{
    for (const NetworkNamespace& netns : namespaces.namespaces) {
        places_[netns.inum].netns = &netns;
    }
}

ListText::Place& ListText::place_of(std::uint32_t inum)
{
    if (last_place_ == nullptr || last_place_->netns->inum != inum) {
        last_place_ = &places_.at(inum);
    }
    if (!options_.numeric && !last_place_->ports_known) {
        last_place_->ports = local_port_range(*last_place_->netns);
        last_place_->ports_known = true;
    }
    return *last_place_;
}

void ListText::append(ListColumns& columns, const ListedSocket& socket)
{
    const SocketRow& row = socket.row;
    std::string& text = columns.text();
    text += row.protocol == IPPROTO_UDP ? "udp" : "tcp";
    columns.end_cell();
    text += ss_state_name(row.state);
    columns.end_cell();
    append_number(text, row.recv_queue_bytes);
    columns.end_cell();
    append_number(text, row.send_queue_bytes);
    columns.end_cell();
    append_endpoints(columns, row);
    append_netns(text, row.tuple.netns_inum);
    columns.end_cell();
    append_process(text, socket);
    columns.end_cell();
}

void ListText::append_endpoints(ListColumns& columns, const SocketRow& row)
{
    const Place& place = place_of(row.tuple.netns_inum);
    const bool udp = row.protocol == IPPROTO_UDP;
    std::string& text = columns.text();
    endpoints_.append_address(text, row.tuple.local.address, row.family, row.ipv6_only);
    if (row.interface_index != 0) {
        const auto& name = names_.interface_name(*place.netns, row.interface_index);
        text += '%';
        text += name ? visible(*name) : fmt::format("if{}", row.interface_index);
    }
    text += ':';
    columns.end_cell();
    endpoints_.append_port(text, row.tuple.local.port, udp, place.ports);
    columns.end_cell();
    endpoints_.append_address(text, row.tuple.remote.address, row.family, row.ipv6_only);
    text += ':';
    columns.end_cell();
    endpoints_.append_port(text, row.tuple.remote.port, udp, place.ports);
    columns.end_cell();
}

void ListText::append_netns(std::string& out, std::uint32_t inum) const
{
    const auto place = places_.find(inum);
    const bool named = place != places_.end() && !place->second.netns->name.empty() &&
                       place->second.netns->name.find(' ') == std::string::npos;
    if (named) {
        append_visible(out, place->second.netns->name);
    } else {
        append_number(out, inum);
    }
}

void ListText::append_process(std::string& out, const ListedSocket& socket)
{
    const SocketRow& row = socket.row;
    if (options_.processes) {
        append_users(out, socket);
    }
    if (options_.timers || options_.extended) {
        append_timer(out, row);
    }
    if (options_.extended) {
        append_extended(out, row);
    }
    const bool udp = row.protocol == IPPROTO_UDP;
    if (options_.memory || (options_.info && !udp)) {
        out += options_.one_line ? "" : "\n\t";
        if (socket.details != nullptr) {
            append_details(out, *socket.details,
                           {.memory = options_.memory,
                            .info = options_.info && !udp,
                            .options = options_.timers || options_.extended,
                            .listening = row.state == TcpState::kListen,
                            .numeric = options_.numeric});
        }
    }
}

void ListText::append_extended(std::string& out, const SocketRow& row)
{
    const auto at = std::back_inserter(out);
    if (row.uid != 0) {
        fmt::format_to(at, " uid:{}", row.uid);
    }
    fmt::format_to(at, " ino:{} sk:{:x}", row.inode, row.cookie);
    if (row.mark != 0) {
        fmt::format_to(at, " fwmark:{:#x}", row.mark);
    }
    if (row.cgroup_id != 0) {
        out += " cgroup:";
        if (const auto& path = names_.cgroups().path_of(row.cgroup_id)) {
            append_visible(out, *path);
        } else {
            fmt::format_to(at, "unreachable:{:x}", row.cgroup_id);
        }
    }
    if (row.family == AF_INET6 &&
        (row.state == TcpState::kListen || row.state == TcpState::kClose)) {
        out += row.ipv6_only ? " v6only:1" : " v6only:0";
    }
    if (row.has_shutdown) {
        out += ' ';
        out += (row.shutdown_mask & 1U) != 0 ? '-' : '<';
        out += '-';
        out += (row.shutdown_mask & 2U) != 0 ? '-' : '>';
    }
}

void append_users(std::string& out, const ListedSocket& socket)
{
    const auto at = std::back_inserter(out);
    if (!socket.holders.empty()) {
        out += " users:(";
        const char* comma = "";
        for (const CensusHolder* holder : socket.holders | std::views::reverse) {
            out += comma;
            out += "(\"";
            append_visible(out, holder->comm());
            fmt::format_to(at, "\",pid={},fd={})", holder->pid, holder->fd);
            comma = ",";
        }
        out += ')';
        return;
    }
    if (socket.owner.process == nullptr) {
        return;
    }
    const CensusHolder& process = *socket.owner.process;
    if (process.pid == 0) {
        fmt::format_to(at, " owner:({})", process.comm());
        return;
    }
    out += " owner:((\"";
    append_visible(out, process.comm());
    fmt::format_to(at, "\",pid={},{}))", process.pid,
                   socket.owner.unaccepted ? std::string_view("unaccepted")
                                           : how_name(socket.owner.how));
}

void append_timer(std::string& out, const SocketRow& row)
{
    if (row.timer == SocketTimer::kNone) {
        return;
    }
    const auto at = std::back_inserter(out);
    fmt::format_to(at, " timer:({},", timer_name(row.timer));
    append_timer_time(out, row.timer_ms);
    fmt::format_to(at, ",{})", row.retransmits);
}

} // namespace tcpledger
