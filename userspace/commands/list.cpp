// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `list`: the sockets, as ss shows them, of all namespaces, with their owners.
#include "commands/commands.hpp"
#include "commands/filter_words.hpp"
#include "commands/holder_containers.hpp"
#include "commands/list_records.hpp"
#include "commands/list_summary.hpp"
#include "commands/list_text.hpp"
#include "output/stream.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <bit>

namespace tcpledger {
namespace {

/// What ss shows without -a and -l: neither listeners nor what is closed, closing down as a
/// mini-socket, or half-open.
constexpr StateSet kStatesByDefault =
    kStatesOfSsAll & ~(set_of(TcpState::kListen) | set_of(TcpState::kClose) |
                       set_of(TcpState::kTimeWait) | set_of(TcpState::kSynRecv));

StateSet states_without_filter(const ListOptions& options)
{
    if (options.listening) {
        return set_of(TcpState::kListen) | set_of(TcpState::kClose);
    }
    if (options.all || !options.states.empty()) {
        return kStatesOfSsAll;
    }
    const bool only_udp = options.udp && !options.tcp;
    return only_udp ? set_of(TcpState::kEstablished) : kStatesByDefault;
}

std::optional<StateSet> only_states(const ListOptions& options)
{
    if (options.states.empty()) {
        return std::nullopt;
    }
    StateSet only = 0;
    for (const TcpState state : options.states) {
        only |= states_shown_as(state);
    }
    return only;
}

Families families_of(const ListOptions& options)
{
    if (options.only_ipv4) {
        return Families::kIpv4;
    }
    return options.only_ipv6 ? Families::kIpv6 : Families::kBoth;
}

ListingRequest request_of(const ListOptions& options)
{
    ListingRequest request;
    request.tcp = options.tcp || !options.udp;
    request.udp = options.udp;
    request.families = families_of(options);
    request.states = states_without_filter(options);
    request.only = only_states(options);
    request.details = {.tcp_info = options.info,
                       .memory = options.memory,
                       .congestion = options.info,
                       .congestion_info = options.info};
    request.with_details = options.info || options.memory;
    request.with_owners = options.processes || options.common.json || options.csv;
    return request;
}

/// Writes the listing in the form that was asked for.
class ListOutput {
public:
    ListOutput(const ListOptions& options, const NamespaceList& namespaces, HostNames& names,
               LineStream& stream)
        : options_(options), namespaces_(namespaces), names_(names), stream_(stream)
    {
    }

    /// `states`: those that were asked for.
    void show(Listing& listing, const ListingRequest& request, StateSet states)
    {
        if (options_.common.json) {
            show_json(listing);
        } else if (options_.csv) {
            show_csv(listing);
        } else {
            show_text(listing, request, states);
        }
    }

private:
    ContainerLookup containers()
    {
        return [this](const CensusHolder& process) { return container_names_.of(process); };
    }

    void show_json(Listing& listing)
    {
        JsonWriter json;
        begin_list(json);
        listing.for_each(containers(),
                         [&](const ListedSocket& socket) { write_json(json, socket, options_); });
        end_list(json);
        stream_.write_line(json.take_line());
    }

    void show_csv(Listing& listing)
    {
        CsvWriter csv;
        if (!options_.no_header) {
            stream_.write_line(list_csv_header());
        }
        listing.for_each(containers(), [&](const ListedSocket& socket) {
            write_csv(csv, socket);
            stream_.write_line(csv.take_line());
        });
    }

    /// As in ss, a column in which all rows would say the same is left out.
    void show_text(Listing& listing, const ListingRequest& request, StateSet states)
    {
        ListColumns columns;
        ListText text(options_, namespaces_, names_);
        std::optional<std::uint32_t> netns;
        bool several = false;
        listing.for_each(containers(), [&](const ListedSocket& socket) {
            const std::uint32_t inum = socket.row.tuple.netns_inum;
            several |= netns.value_or(inum) != inum;
            netns = inum;
            text.append(columns, socket);
        });
        if (!(request.tcp && request.udp)) {
            columns.hide(ListColumn::kNetid);
        }
        if (std::has_single_bit(states)) {
            columns.hide(ListColumn::kState);
        }
        if (!several) {
            columns.hide(ListColumn::kNetns);
        }
        columns.write([this](std::string_view lines) { stream_.write(lines); },
                      !options_.no_header);
    }

    const ListOptions& options_;
    const NamespaceList& namespaces_;
    HostNames& names_;
    LineStream& stream_;
    HolderContainers container_names_;
};

/// -s alone is the summary alone, as in ss.
bool only_summary(const ListOptions& options)
{
    return options.summary && !options.tcp && !options.udp && !options.all && !options.listening &&
           !options.common.json && !options.csv && options.filter.empty();
}

Expected<void> show(const ListOptions& options, LineStream& stream)
{
    const Expected<NamespaceList> namespaces = choose_namespaces(options.netns);
    if (!namespaces) {
        return tl::unexpected(namespaces.error());
    }
    HostNames names(*namespaces);
    Expected<std::vector<ListedNamespace>> filters =
        read_filters(options.filter, *namespaces, names);
    if (!filters) {
        return tl::unexpected(filters.error());
    }
    if (options.summary) {
        const Expected<SocketSummary> summary = read_summary(*namespaces);
        if (!summary) {
            return tl::unexpected(summary.error());
        }
        stream.write(render_summary(*summary));
        if (only_summary(options)) {
            return {};
        }
    }
    ListingRequest request = request_of(options);
    request.processes_denied = namespaces->denied_count;
    const Filter& filter = *filters->front().filter;
    const StateSet states = wanted_states(filter, request);
    for (const std::string& warning : filter.warnings()) {
        spdlog::warn("{}", warning);
    }
    if (needs_of(filter).age) {
        spdlog::warn(
            "age: without tracing only that of TIME-WAIT is known; no other socket matches");
    }
    Expected<Listing> listing = Listing::take(std::move(*filters), request);
    if (!listing) {
        return tl::unexpected(listing.error());
    }
    for (const std::string& note : listing->notes()) {
        spdlog::warn("{}", note);
    }
    ListOutput(options, *namespaces, names, stream).show(*listing, request, states);
    return {};
}

} // namespace

ExitStatus run(const ListOptions& options)
{
    Expected<LineStream> stream = LineStream::open(STDOUT_FILENO, {.when_full = WhenFull::kWait});
    if (!stream) {
        return fail(stream.error());
    }
    if (const Expected<void> shown = show(options, *stream); !shown) {
        return fail(shown.error());
    }
    stream->close();
    const std::optional<Error> error = stream->error();
    return error ? fail(*error) : ExitStatus::kDone;
}

} // namespace tcpledger
