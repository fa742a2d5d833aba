// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `report`: all of it once, on one page for a ticket.
#include "commands/audit_view.hpp"
#include "commands/commands.hpp"
#include "commands/report_view.hpp"
#include "output/stream.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

namespace tcpledger {

ExitStatus run(const ReportOptions& options)
{
    constexpr std::size_t kRows = 5;
    Expected<AuditLook> look = look_twice({.netns = options.netns, .interval = options.interval});
    if (!look) {
        return fail(look.error());
    }
    for (const std::string& note : look->notes) {
        spdlog::warn("{}", note);
    }
    const ReportPage page = make_report(*std::move(look), kRows);
    for (const std::string& note : page.inventory.notes) {
        spdlog::warn("{}", note);
    }
    Expected<LineStream> stream = LineStream::open(STDOUT_FILENO, {.when_full = WhenFull::kWait});
    if (!stream) {
        return fail(stream.error());
    }
    if (options.common.json) {
        JsonWriter json;
        write_json(json, page);
        stream->write_line(json.take_line());
    } else if (options.markdown) {
        stream->write(markdown_report(page));
    } else {
        const Painter painter(
            color_wanted(options.common.color, ColorEnvironment::of(STDOUT_FILENO)));
        stream->write(render_report(page, painter, page_width(STDOUT_FILENO)));
    }
    stream->close();
    const std::optional<Error> error = stream->error();
    return error ? fail(*error) : ExitStatus::kDone;
}

} // namespace tcpledger
