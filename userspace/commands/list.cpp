// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `list`: every TCP socket, with its owner and all who hold it.
#include "commands/commands.hpp"
#include "commands/list_view.hpp"
#include "output/stream.hpp"
#include "session/snapshot.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <unordered_set>

namespace tcpledger {
namespace {

bool wanted(const SocketRow& row, const ListOptions& options)
{
    const TcpState state = shown_state(row.state);
    const bool ipv4 = row.tuple.local.address.is_ipv4();
    if ((options.only_listening && state != TcpState::kListen) || (options.only_ipv4 && !ipv4) ||
        (options.only_ipv6 && ipv4)) {
        return false;
    }
    return options.states.empty() ||
           std::ranges::find(options.states, state) != options.states.end();
}

/// Joins each row of the dump with what the books know of it and with its holders.
class ListSource {
public:
    explicit ListSource(Snapshot& snapshot) : snapshot_(snapshot)
    {
        std::ranges::sort(snapshot_.census.holders, {}, [](const CensusHolder& holder) {
            return std::tuple(holder.cookie, holder.pid, holder.fd);
        });
    }

    template <typename Visit> void for_each(const ListOptions& options, Visit&& visit)
    {
        std::unordered_set<std::uint64_t> seen; // a dump can repeat a socket
        seen.reserve(snapshot_.census.rows.size());
        for (const SocketRow& row : snapshot_.census.rows) {
            if (wanted(row, options) && seen.insert(row.cookie).second) {
                visit(listed(row));
            }
        }
    }

private:
    ListedSocket listed(const SocketRow& row)
    {
        const Books& books = snapshot_.ledger.books();
        ListedSocket socket{row, nullptr, How::kUnknown, false, {}};
        ConnectionId id = books.find_by_cookie(row.cookie);
        if (id == kNoConnection) {
            id = books.find_mini(row.tuple);
        }
        if (id != kNoConnection) {
            const Connection& connection = books.at(id);
            socket.owner = connection.owner != kUnknownProcess
                               ? &books.processes().at(connection.owner)
                               : nullptr;
            socket.how = connection.how;
            socket.unaccepted = connection.unaccepted;
        }
        const auto range = std::ranges::equal_range(snapshot_.census.holders, row.cookie, {},
                                                    &CensusHolder::cookie);
        socket.holders = std::span(range.begin(), range.end());
        return socket;
    }

    Snapshot& snapshot_;
};

} // namespace

ExitStatus run(const ListOptions& options)
{
    const auto snapshot = take_snapshot();
    if (!snapshot) {
        return fail(snapshot.error());
    }
    for (const std::string& note : (*snapshot)->census.notes) {
        spdlog::warn("{}", note);
    }
    Expected<LineStream> stream = LineStream::open(STDOUT_FILENO, {.when_full = WhenFull::kWait});
    if (!stream) {
        return fail(stream.error());
    }
    ListSource source(**snapshot);
    if (options.common.json) {
        JsonWriter json;
        begin_list(json);
        source.for_each(options, [&](const ListedSocket& socket) { write_json(json, socket); });
        end_list(json);
        stream->write_line(json.take_line());
    } else {
        ListText text(options, (*snapshot)->ledger.books().by_netns().size() > 1);
        if (!options.no_header) {
            stream->write_line(text.header());
        }
        source.for_each(
            options, [&](const ListedSocket& socket) { stream->write_line(text.format(socket)); });
    }
    stream->close();
    return stream->error() ? fail(*stream->error()) : ExitStatus::kDone;
}

} // namespace tcpledger
