// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `states`: counts and percentages by state, in total and by group, once or again and again.
#include "commands/commands.hpp"
#include "commands/filter_words.hpp"
#include "commands/report_output.hpp"
#include "commands/signals.hpp"
#include "commands/states_view.hpp"
#include "kernel/abilities.hpp"
#include "output/format.hpp"
#include "output/stream.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <set>

namespace tcpledger {
namespace {

using std::chrono::system_clock;

ListingRequest request_of(const StatesOptions& options, const NamespaceList& namespaces)
{
    ListingRequest request;
    for (const TcpState state : options.states) {
        request.only = request.only.value_or(0) | states_shown_as(state);
    }
    request.with_owners = options.by == Grouping::kProcess || options.by == Grouping::kContainer ||
                          options.by == Grouping::kPort;
    request.processes_denied = namespaces.denied_count;
    return request;
}

/// Says each thing once, however often it is noticed.
class Notes {
public:
    void say(const std::string& note)
    {
        if (said_.insert(note).second) {
            spdlog::warn("{}", note);
        }
    }

private:
    std::set<std::string> said_;
};

/// Counts what is there now.
Expected<StatesReport> look(const StatesOptions& options, Notes& notes)
{
    const Expected<NamespaceList> namespaces = choose_namespaces(std::nullopt);
    if (!namespaces) {
        return tl::unexpected(namespaces.error());
    }
    if (!held_capabilities().can_enter_namespaces()) {
        notes.say("only this network namespace is counted: others need CAP_SYS_ADMIN");
    }
    HostNames names(*namespaces);
    Expected<std::vector<ListedNamespace>> filters =
        read_filters(options.filter, *namespaces, names);
    if (!filters) {
        return tl::unexpected(filters.error());
    }
    for (const std::string& warning : filters->front().filter->warnings()) {
        notes.say(warning);
    }
    Expected<Listing> listing =
        Listing::take(std::move(*filters), request_of(options, *namespaces));
    if (!listing) {
        return tl::unexpected(listing.error());
    }
    for (const std::string& note : listing->notes()) {
        notes.say(note);
    }
    StatesCounter counter(options.by);
    HolderContainers containers;
    listing->for_each(
        [&](const CensusHolder& process) { return containers.of(process); },
        [&](const ListedSocket& socket) { counter.add(socket, listing->is_served(socket.row)); });
    StatesReport report = counter.report(options.limit);
    if (options.by == Grouping::kProcess) {
        describe_processes(report);
    }
    return report;
}

void show(const StatesOptions& options, const StatesReport& report, ReportOutput& output)
{
    const auto now = system_clock::now();
    const bool watches = options.watch.has_value();
    output.show(
        [&](JsonWriter& json) {
            write_json(json, report, options, watches ? std::optional(now) : std::nullopt);
        },
        [&](const Painter& painter, std::size_t columns) {
            std::string text = render_text(report, options, painter, columns);
            return watches ? fmt::format("tcpledger states {}\n\n{}", format_local_hms(now), text)
                           : text;
        });
}

/// Shows the states every `period` until a signal comes or nobody reads.
Expected<void> watch(const StatesOptions& options, std::chrono::milliseconds period,
                     LineStream& stream)
{
    using Steady = std::chrono::steady_clock;
    StopSignals signals;
    Notes notes;
    ReportOutput output(options.common, stream, true, true);
    Steady::time_point next = Steady::now();
    while (!signals.came() && !stream.closed()) {
        const Expected<StatesReport> report = look(options, notes);
        if (!report) {
            return tl::unexpected(report.error());
        }
        show(options, *report, output);
        next = std::max(next + period, Steady::now());
        while (!signals.came() && !stream.closed() && Steady::now() < next) {
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(next - Steady::now()).count();
            pollfd wake{signals.fd(), POLLIN, 0};
            ::poll(&wake, 1, static_cast<int>(std::min<std::int64_t>(left, 100)));
            stream.flush_if_due(Steady::now());
        }
    }
    return {};
}

Expected<void> show_once(const StatesOptions& options, LineStream& stream)
{
    Notes notes;
    const Expected<StatesReport> report = look(options, notes);
    if (!report) {
        return tl::unexpected(report.error());
    }
    ReportOutput output(options.common, stream, false, false);
    show(options, *report, output);
    return {};
}

} // namespace

ExitStatus run(const StatesOptions& options)
{
    const WhenFull when_full = options.watch ? WhenFull::kDrop : WhenFull::kWait;
    Expected<LineStream> stream = LineStream::open(STDOUT_FILENO, {.when_full = when_full});
    if (!stream) {
        return fail(stream.error());
    }
    const Expected<void> shown =
        options.watch ? watch(options, *options.watch, *stream) : show_once(options, *stream);
    if (!shown) {
        return fail(shown.error());
    }
    stream->close();
    const std::optional<Error> error = stream->error();
    return error ? fail(*error) : ExitStatus::kDone;
}

} // namespace tcpledger
