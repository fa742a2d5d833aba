// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Churn's document, see docs/events.md.
#include "commands/churn_view.hpp"
#include "commands/churn_words.hpp"
#include "commands/distribution.hpp"

namespace tcpledger {
namespace {

/// [kernel], [unknown] and programs that have ended have no pid.
void write_actor(JsonWriter& json, const ChurnActor& actor, std::uint64_t processes)
{
    actor.process.pid != 0 ? json.field("pid", actor.process.pid) : json.null_field("pid");
    json.field("comm", actor.comm).field("processes", processes);
}

void write_figures(JsonWriter& json, const ChurnFigures& figures, bool with_bins)
{
    json.field("opened", figures.opened).field("incoming", figures.incoming);
    json.field("closed", figures.closed).field("failed", figures.failed);
    json.field("aborted", figures.aborted).field("older", figures.older);
    json.key("lifetime");
    write_distribution(json, figures.lifetimes, with_bins);
    json.key("unseen_share");
    figures.lifetimes.empty()
        ? json.null()
        : json.value(figures.unseen / static_cast<double>(figures.lifetimes.count()));
    json.field("connects", figures.connects).field("spared", figures.spared);
    json.field("time_waits", figures.time_waits);
    json.field("bytes_sent", figures.bytes_sent).field("bytes_received", figures.bytes_received);
    json.key("closed_by").begin_object();
    for (std::size_t at = 0; at < kEndings; ++at) {
        if (figures.endings[at] > 0) {
            json.field(ending_name(static_cast<Ending>(at)), figures.endings[at]);
        }
    }
    json.end_object();
}

const char* grouping_name(ChurnGrouping by)
{
    switch (by) {
    case ChurnGrouping::kProcess:
        return "process";
    case ChurnGrouping::kRemote:
        return "remote";
    case ChurnGrouping::kPort:
        return "port";
    case ChurnGrouping::kContainer:
        return "container";
    }
    return "";
}

const char* direction_name(const ChurnKey& key)
{
    return key.outgoing ? "out" : "in";
}

void write_row(JsonWriter& json, ChurnGrouping by, const ChurnRow& row)
{
    const ChurnKey& key = row.key;
    json.begin_object();
    switch (by) {
    case ChurnGrouping::kProcess:
        write_actor(json, key.actor, row.group.figures.processes);
        break;
    case ChurnGrouping::kRemote:
        json.field("netns", key.netns_inum).field("direction", direction_name(key));
        json.field("remote_address", key.endpoint.address);
        key.outgoing ? json.field("remote_port", key.endpoint.port)
                     : json.null_field("remote_port");
        break;
    case ChurnGrouping::kPort:
        json.field("direction", direction_name(key)).field("port", key.endpoint.port);
        break;
    case ChurnGrouping::kContainer:
        key.container.empty() ? json.null_field("container")
                              : json.field("container", key.container);
        break;
    }
    write_figures(json, row.group.figures, false);
    if (by == ChurnGrouping::kProcess) {
        write_dwells(json, row.group.dwells);
    }
    json.end_object();
}

void write_churner(JsonWriter& json, const Churner& churner, std::chrono::nanoseconds watched)
{
    const ChurnKey& key = churner.key;
    json.begin_object();
    write_actor(json, key.actor, churner.figures.processes);
    churner.parent.empty() ? json.null_field("parent") : json.field("parent", churner.parent);
    json.field("netns", key.netns_inum).field("direction", direction_name(key));
    if (key.outgoing) {
        json.field("remote_address", key.endpoint.address);
        json.field("remote_port", key.endpoint.port).null_field("local_port");
    } else {
        json.null_field("remote_address").null_field("remote_port");
        json.field("local_port", key.endpoint.port);
    }
    json.field("sentence", churner_sentence(churner, watched));
    write_figures(json, churner.figures, false);
    json.end_object();
}

void write_ports(JsonWriter& json, const RemotePorts& remote)
{
    json.begin_object().field("netns", remote.netns_inum);
    json.field("remote_address", remote.remote.address).field("remote_port", remote.remote.port);
    json.field("opened", remote.opened).field("time_waits", remote.time_waits);
    remote.used > 0 ? json.field("local_address", remote.local) : json.null_field("local_address");
    json.key("ports_used");
    remote.available ? json.value(remote.used) : json.null();
    json.field("ports_available", remote.available).end_object();
}

} // namespace

void write_json(JsonWriter& json, const ChurnReport& report,
                std::chrono::system_clock::time_point time)
{
    json.begin_object().field("version", 1).field("time", time);
    json.milliseconds_field("watched_ms", report.watched);
    json.milliseconds_field("poll_ms", report.poll);
    json.milliseconds_field("keep_alive_ms", ReusePool::kKeepAlive);
    json.field("lost", report.lost);
    json.key("totals").begin_object();
    write_figures(json, report.total, true);
    write_dwells(json, report.dwells);
    json.end_object();
    json.field("by", grouping_name(report.by));
    json.key("rows").begin_array();
    for (const ChurnRow& row : report.rows) {
        write_row(json, report.by, row);
    }
    json.end_array();
    json.key("others").begin_object();
    json.field("rows", report.hidden).field("folded", report.folded);
    write_figures(json, report.others.figures, false);
    json.end_object();
    json.key("churners").begin_array();
    for (const Churner& churner : report.churners) {
        write_churner(json, churner, report.watched);
    }
    json.end_array();
    json.key("ports").begin_array();
    for (const RemotePorts& remote : report.ports) {
        write_ports(json, remote);
    }
    json.end_array().end_object();
}

} // namespace tcpledger
