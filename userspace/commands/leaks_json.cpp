// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The leak suspects as JSON: one document, see docs/events.md.
#include "commands/leaks_view.hpp"
#include "commands/stack_view.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

namespace tcpledger {
namespace {

constexpr std::size_t kWrittenNumbers = 1000;

void write_age(JsonWriter& json, const std::string& name, const LeakAge& age)
{
    json.field(name + "_age_ms", age.age.count());
    json.field(name + "_age_is_lower_bound", age.is_lower_bound);
    json.key(name + "_age_estimate_ms");
    age.estimate ? json.value(age.estimate->count()) : json.null();
}

void write_process(JsonWriter& json, const DescribedSuspect& described, const ProcessKey& process)
{
    if (process.pid == 0) {
        json.null_field("pid").null_field("comm");
        return;
    }
    json.field("pid", process.pid);
    const auto found = described.names.find(process);
    json.key("comm");
    found != described.names.end() ? json.value(found->second) : json.null();
}

/// One decimal is what the looks tell.
std::optional<double> rounded(std::optional<double> figure)
{
    return figure ? std::optional(std::round(*figure * 10.0) / 10.0) : std::nullopt;
}

void write_rate(JsonWriter& json, std::string_view name, std::optional<double> figure)
{
    json.key(name);
    const auto shown = rounded(figure);
    shown ? json.value(*shown) : json.null();
}

void write_lists(JsonWriter& json, const DescribedSuspect& described)
{
    const LeakSuspect& suspect = described.suspect;
    json.key("fds").begin_array();
    for (std::size_t at = 0; at < std::min(suspect.fds.size(), kWrittenNumbers); ++at) {
        json.value(suspect.fds[at]);
    }
    json.end_array().key("holders").begin_array();
    for (const auto& [process, count] : suspect.holders) {
        json.begin_object();
        write_process(json, described, process);
        json.field("count", count).end_object();
    }
    json.end_array().key("remotes").begin_array();
    for (const auto& [remote, count] : suspect.remotes) {
        json.begin_object().field("address", remote.address);
        remote.port != 0 ? json.field("port", remote.port) : json.null_field("port");
        json.field("count", count).end_object();
    }
    json.end_array();
}

void write_suspect(JsonWriter& json, const DescribedSuspect& described)
{
    const LeakSuspect& suspect = described.suspect;
    json.begin_object();
    write_process(json, described, described.process);
    json.key("container");
    described.container.empty() ? json.null() : json.value(described.container);
    json.field("kind", leak_kind_name(suspect.key.kind));
    json.field("verdict", leak_verdict_name(suspect.judgement.verdict));
    json.field("confidence", leak_confidence_name(suspect.judgement.confidence));
    json.field("reason", leak_sentence(described));
    json.field("netns", suspect.key.peer.netns_inum);
    json.field("direction", suspect.key.peer.passive ? "in" : "out");
    json.key("local_port");
    suspect.key.peer.passive ? json.value(suspect.key.peer.endpoint.port) : json.null();
    json.key("opened_by");
    if (suspect.key.kind == LeakKind::kInherited) {
        json.begin_object();
        write_process(json, described, suspect.key.process);
        json.end_object();
    } else {
        json.null();
    }
    json.field("count", suspect.count).field("stuck", suspect.stuck);
    json.field("older_count", suspect.older_count);
    json.field("patience_ms", suspect.patience.count());
    json.key("longest_wait_ms");
    suspect.longest_wait ? json.value(suspect.longest_wait->count()) : json.null();
    json.field("span_ms", suspect.judgement.span.count());
    write_rate(json, "growth_per_min", suspect.growth_per_min);
    write_rate(json, "opened_per_min", suspect.opened_per_min);
    write_rate(json, "closed_per_min", suspect.closed_per_min);
    json.key("growth_over_ms");
    suspect.growth_per_min ? json.value(suspect.growth_over.count()) : json.null();
    write_age(json, "oldest", suspect.oldest);
    write_age(json, "median", suspect.median);
    json.field("unread_bytes", suspect.unread_bytes).field("unread_ends", suspect.unread_ends);
    json.field("fds_used", described.fds_used).field("fd_limit", described.fd_limit);
    json.key("exhausted_in_s");
    const auto left = until_exhausted(described);
    left ? json.value(left->count() / 1000) : json.null();
    write_lists(json, described);
    write_stacks(json, described.stacks, described.tally.without);
    json.end_object();
}

} // namespace

void write_json(JsonWriter& json, const LeaksReport& report)
{
    json.begin_object().field("version", 1).field("time", report.time);
    json.field("observed_ms", report.observed.count());
    json.field("looks", report.looks).field("connections", report.connections);
    json.field("lost", report.lost);
    json.key("suspects").begin_array();
    for (const DescribedSuspect& described : report.suspects) {
        write_suspect(json, described);
    }
    json.end_array().end_object();
}

} // namespace tcpledger
