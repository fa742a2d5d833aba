// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `audit`: what is wrong with this host's connections, on which evidence, and what can be done.
#include "analysis/audit.hpp"
#include "commands/audit_view.hpp"
#include "commands/commands.hpp"
#include "output/format.hpp"
#include "output/stream.hpp"
#include "output/wrap.hpp"
#include "session/audit_look.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>

namespace tcpledger {
namespace {

std::string render_text(const AuditLook& look, const std::vector<Finding>& findings,
                        const Painter& painter, std::size_t width)
{
    std::string text;
    for (const Finding& finding : findings) {
        text += render_finding(finding, painter, width) + "\n";
    }
    const std::size_t namespaces = look.facts.netns.size();
    const std::string last =
        fmt::format("{}; looked twice in {}: {} sockets, {} namespace{}", summary(findings),
                    format_duration(look.facts.interval), format_count(look.facts.sockets.size()),
                    namespaces, namespaces == 1 ? "" : "s");
    return text + wrap(last, "", width);
}

void write_json(JsonWriter& json, const AuditLook& look, const std::vector<Finding>& findings)
{
    json.begin_object().field("version", 1).field("time", std::chrono::system_clock::now());
    json.field("interval_ms", look.facts.interval.count());
    json.field("sockets", look.facts.sockets.size());
    json.key("namespaces").begin_array();
    for (const AuditNetns& netns : look.facts.netns) {
        json.value(netns.inum);
    }
    json.end_array();
    write_findings(json, findings);
    json.end_object();
}

} // namespace

ExitStatus run(const AuditOptions& options)
{
    const Expected<AuditLook> look =
        look_twice({.netns = options.netns, .interval = options.interval});
    if (!look) {
        return fail(look.error());
    }
    for (const std::string& note : look->notes) {
        spdlog::warn("{}", note);
    }
    const std::vector<Finding> findings = audit(look->facts);
    Expected<LineStream> stream = LineStream::open(STDOUT_FILENO, {.when_full = WhenFull::kWait});
    if (!stream) {
        return fail(stream.error());
    }
    if (options.common.json) {
        JsonWriter json;
        write_json(json, *look, findings);
        stream->write_line(json.take_line());
    } else {
        const Painter painter(
            color_wanted(options.common.color, ColorEnvironment::of(STDOUT_FILENO)));
        stream->write(render_text(*look, findings, painter, page_width(STDOUT_FILENO)));
    }
    stream->close();
    if (const std::optional<Error> error = stream->error()) {
        return fail(*error);
    }
    const bool found =
        std::ranges::any_of(findings, [least = options.fail_on](const Finding& finding) {
            return least && finding.severity >= *least;
        });
    return found ? ExitStatus::kFinding : ExitStatus::kDone;
}

} // namespace tcpledger
