// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/listen_view.hpp"

#include "output/csv.hpp"
#include "output/format.hpp"
#include "output/table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tcpledger {
namespace {

constexpr std::size_t kSharersNamed = 3;

bool is_udp(const Listener& listener)
{
    return listener.row.protocol == IPPROTO_UDP;
}

/// A socket that takes both families.
bool is_dual_stack(const SocketRow& row)
{
    return row.family == 10 && !row.ipv6_only && !row.tuple.local.address.is_ipv4() &&
           row.tuple.local.address.is_wildcard();
}

std::optional<std::int64_t> counter(const NetnsReading& netns, const char* name)
{
    return netns.counters.value("TcpExt", name);
}

/// Mean per hour since the host's start.
std::optional<double> per_hour(std::optional<std::int64_t> count, std::chrono::nanoseconds uptime)
{
    if (!count || uptime.count() <= 0) {
        return std::nullopt;
    }
    return static_cast<double>(*count) /
           std::chrono::duration<double, std::ratio<3600>>(uptime).count();
}

std::string queue_text(const Listener& listener)
{
    const SocketRow& row = listener.row;
    return is_udp(listener) ? fmt::format("{} B", row.recv_queue_bytes)
                            : fmt::format("{}/{}", row.recv_queue_bytes, row.send_queue_bytes);
}

Style queue_style(const Listener& listener)
{
    const SocketRow& row = listener.row;
    if (is_udp(listener) || row.recv_queue_bytes == 0) {
        return Style::kPlain;
    }
    if (row.recv_queue_bytes > row.send_queue_bytes) {
        return Style::kBad;
    }
    return row.recv_queue_bytes * 4ULL >= row.send_queue_bytes * 3ULL ? Style::kWarning
                                                                      : Style::kPlain;
}

std::string sharers_text(const Listener& listener)
{
    std::string text;
    for (std::size_t at = 0; at < std::min(kSharersNamed, listener.sharers.size()); ++at) {
        text += (text.empty() ? "" : " ") + process_text(listener.sharers[at]);
    }
    if (listener.sharers.size() > kSharersNamed) {
        text += fmt::format(" +{}", listener.sharers.size() - kSharersNamed);
    }
    if (listener.siblings > 0) {
        text += fmt::format("{}reuseport:{}", text.empty() ? "" : " ", listener.siblings + 1);
    }
    return text;
}

/// Which columns these rows need.
struct Shape {
    bool netns;
    bool protocol = false;
    bool tcp = false;
    bool udp = false;
    bool container = false;
    bool shared = false;

    explicit Shape(const Inventory& inventory) : netns(inventory.namespaces.size() > 1)
    {
        for (const Listener& listener : inventory.listeners) {
            (is_udp(listener) ? udp : tcp) = true;
            container |= !listener.container.empty();
            shared |= !listener.sharers.empty() || listener.siblings > 0;
        }
        protocol = udp;
        tcp |= !udp; // an empty table has TCP's head
    }

    [[nodiscard]] std::vector<Column> columns() const
    {
        std::vector<Column> columns;
        if (netns) {
            columns.push_back({"NETNS", Align::kRight});
        }
        if (protocol) {
            columns.push_back({"PROTO"});
        }
        columns.push_back({"LOCAL ADDRESS:PORT"});
        columns.push_back({"REACH"});
        columns.push_back({tcp ? "ACCEPTQ" : "RECVQ", Align::kRight});
        columns.push_back({tcp ? "SYNQ" : "DROPS", Align::kRight});
        if (tcp && udp) {
            columns.push_back({"DROPS", Align::kRight});
        }
        columns.push_back({"PROCESS"});
        if (container) {
            columns.push_back({"CONTAINER"});
        }
        if (shared) {
            columns.push_back({"SHARED BY"});
        }
        return columns;
    }
};

void write_process(JsonWriter& json, const ListenerProcess& process)
{
    json.begin_object();
    process.pid != 0 ? json.field("pid", process.pid) : json.null_field("pid");
    json.field("comm", process.comm).end_object();
}

void write_json(JsonWriter& json, const Listener& listener)
{
    const SocketRow& row = listener.row;
    const bool udp = is_udp(listener);
    json.begin_object();
    json.field("protocol", udp ? "udp" : "tcp");
    json.field("family", row.tuple.local.address.is_ipv4() ? "ipv4" : "ipv6");
    json.field("dual_stack", is_dual_stack(row));
    json.field("netns", row.tuple.netns_inum);
    json.field("local_address", row.tuple.local.address).field("local_port", row.tuple.local.port);
    json.field("reach", reach_of(row.tuple.local.address));
    if (udp) {
        json.null_field("accept_queue").null_field("accept_queue_limit").null_field("syn_queue");
        json.field("recv_queue", row.recv_queue_bytes);
        json.field("recv_buffer", listener.recv_buffer_bytes).field("drops", listener.drops);
    } else {
        json.field("accept_queue", row.recv_queue_bytes);
        json.field("accept_queue_limit", row.send_queue_bytes);
        json.field("syn_queue", listener.half_open);
        json.null_field("recv_queue").null_field("recv_buffer").null_field("drops");
    }
    json.field("uid", row.uid).field("inode", row.inode).field("cookie", row.cookie);
    json.key("owner");
    listener.owner ? write_process(json, *listener.owner) : static_cast<void>(json.null());
    json.key("sharers").begin_array();
    for (const ListenerProcess& sharer : listener.sharers) {
        write_process(json, sharer);
    }
    json.end_array();
    json.field("reuseport_siblings", listener.siblings);
    listener.container.empty() ? json.null_field("container")
                               : json.field("container", listener.container);
    json.end_object();
}

} // namespace

std::string local_text(const SocketRow& row)
{
    const Endpoint& local = row.tuple.local;
    if (is_dual_stack(row)) {
        return fmt::format("*:{}", local.port);
    }
    return local.text();
}

std::string process_text(const std::optional<ListenerProcess>& process)
{
    if (!process) {
        return "-";
    }
    return process->pid == 0 ? process->comm : fmt::format("{}[{}]", process->comm, process->pid);
}

std::string netns_name(bool own, const std::string& name)
{
    if (own) {
        return "(here)";
    }
    return name.empty() ? "-" : name;
}

std::string render_listeners(const Inventory& inventory, const Painter& painter, std::size_t width,
                             bool with_header)
{
    const Shape shape(inventory);
    Table table(shape.columns());
    for (const Listener& listener : inventory.listeners) {
        std::vector<std::string> texts;
        if (shape.netns) {
            texts.push_back(std::to_string(listener.row.tuple.netns_inum));
        }
        if (shape.protocol) {
            texts.emplace_back(is_udp(listener) ? "udp" : "tcp");
        }
        texts.push_back(local_text(listener.row));
        texts.emplace_back(reach_of(listener.row.tuple.local.address));
        const std::size_t queue = texts.size();
        texts.push_back(queue_text(listener));
        if (shape.tcp) {
            texts.push_back(is_udp(listener) ? "-" : format_count(listener.half_open));
        }
        if (shape.udp) {
            texts.push_back(is_udp(listener) ? format_count(listener.drops) : "-");
        }
        texts.push_back(process_text(listener.owner));
        if (shape.container) {
            texts.push_back(listener.container.empty() ? "-" : listener.container);
        }
        if (shape.shared) {
            texts.push_back(sharers_text(listener));
        }
        std::vector<Cell> cells(texts.begin(), texts.end());
        cells[queue].style = queue_style(listener);
        table.add_row(cells);
    }
    return table.render(painter, width, with_header);
}

std::string render_drops(const Inventory& inventory, const Painter& painter)
{
    Table table({{"NETNS", Align::kRight},
                 {"NAME"},
                 {"OVERFLOWS", Align::kRight},
                 {"PER HOUR", Align::kRight},
                 {"DROPS", Align::kRight},
                 {"PER HOUR", Align::kRight}});
    const auto rate = [&](std::optional<std::int64_t> count) {
        const auto hourly = per_hour(count, inventory.uptime);
        return hourly ? format_rate(*hourly) : std::string("-");
    };
    const auto count_text = [](std::optional<std::int64_t> count) {
        return count ? format_signed_count(*count) : std::string("-");
    };
    for (const NetnsReading& netns : inventory.namespaces) {
        const auto overflows = counter(netns, "ListenOverflows");
        const auto drops = counter(netns, "ListenDrops");
        const Style style = overflows.value_or(0) > 0 ? Style::kWarning : Style::kPlain;
        table.add_row({std::to_string(netns.inum),
                       netns.own            ? std::string("(here)")
                       : netns.name.empty() ? "-"
                                            : netns.name,
                       Cell(count_text(overflows), style), rate(overflows), count_text(drops),
                       rate(drops)});
    }
    if (table.row_count() == 0) {
        return {};
    }
    return fmt::format("Connections turned away since the start (at most {} ago):\n",
                       format_duration(inventory.uptime)) +
           table.render(painter);
}

void write_inventory_members(JsonWriter& json, const Inventory& inventory)
{
    json.key("listeners").begin_array();
    for (const Listener& listener : inventory.listeners) {
        write_json(json, listener);
    }
    json.end_array();
    json.key("namespaces").begin_array();
    for (const NetnsReading& netns : inventory.namespaces) {
        json.begin_object().field("netns", netns.inum);
        netns.name.empty() ? json.null_field("name") : json.field("name", netns.name);
        for (const auto& [name, label] : {std::pair("ListenOverflows", "listen_overflows"),
                                          std::pair("ListenDrops", "listen_drops")}) {
            const auto count = counter(netns, name);
            json.field(label, count);
            json.field(fmt::format("{}_per_hour", label), per_hour(count, inventory.uptime));
        }
        json.end_object();
    }
    json.end_array();
}

void write_json(JsonWriter& json, const Inventory& inventory)
{
    json.begin_object().field("version", 1);
    json.milliseconds_field("uptime_ms", inventory.uptime);
    write_inventory_members(json, inventory);
    json.end_object();
}

std::string csv_header()
{
    return "protocol,netns,local_address,local_port,reach,accept_queue,accept_queue_limit,"
           "syn_queue,recv_queue,drops,pid,comm,sharers,reuseport_siblings,container";
}

std::string csv_line(const Listener& listener)
{
    const SocketRow& row = listener.row;
    const bool udp = is_udp(listener);
    CsvWriter csv;
    const auto number = [&csv](bool known, std::uint64_t value) {
        known ? csv.value(value) : csv.null();
    };
    csv.value(udp ? "udp" : "tcp").value(row.tuple.netns_inum).value(row.tuple.local.address);
    csv.value(row.tuple.local.port).value(reach_of(row.tuple.local.address));
    number(!udp, row.recv_queue_bytes);
    number(!udp, row.send_queue_bytes);
    number(!udp, listener.half_open);
    number(udp, row.recv_queue_bytes);
    number(udp, listener.drops);
    number(listener.owner && listener.owner->pid != 0, listener.owner ? listener.owner->pid : 0);
    listener.owner ? csv.value(listener.owner->comm) : csv.null();
    csv.value(listener.sharers.size()).value(listener.siblings);
    listener.container.empty() ? csv.null() : csv.value(listener.container);
    return std::string(csv.take_line());
}

} // namespace tcpledger
