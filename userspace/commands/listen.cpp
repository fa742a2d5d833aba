// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `listen`: who offers what to whom, and whether the queues keep up.
#include "commands/commands.hpp"
#include "commands/listen_view.hpp"
#include "output/stream.hpp"
#include "output/terminal.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>

namespace tcpledger {
namespace {

void select(Inventory& inventory, const ListenOptions& options)
{
    std::erase_if(inventory.listeners, [&](const Listener& listener) {
        const bool ipv4 = listener.row.tuple.local.address.is_ipv4();
        return (options.only_ipv4 && !ipv4) || (options.only_ipv6 && ipv4);
    });
    std::erase_if(inventory.namespaces, [&](const NetnsReading& netns) {
        return std::ranges::none_of(inventory.listeners, [&](const Listener& listener) {
            return listener.row.tuple.netns_inum == netns.inum;
        });
    });
}

void write_csv(LineStream& stream, const Inventory& inventory, bool with_header)
{
    if (with_header) {
        stream.write_line(csv_header());
    }
    for (const Listener& listener : inventory.listeners) {
        stream.write_line(csv_line(listener));
    }
}

void write_text(LineStream& stream, const Inventory& inventory, const ListenOptions& options)
{
    const Painter painter(color_wanted(options.common.color, ColorEnvironment::of(STDOUT_FILENO)));
    stream.write(render_listeners(inventory, painter, 0, !options.no_header));
    const bool tcp = options.tcp || !options.udp;
    const std::string drops =
        tcp && !options.no_header ? render_drops(inventory, painter) : std::string();
    if (!drops.empty()) {
        stream.write("\n" + drops);
    }
}

} // namespace

ExitStatus run(const ListenOptions& options)
{
    Expected<Inventory> inventory = take_inventory(
        {.netns = options.netns, .tcp = options.tcp || !options.udp, .udp = options.udp});
    if (!inventory) {
        return fail(inventory.error());
    }
    for (const std::string& note : inventory->notes) {
        spdlog::warn("{}", note);
    }
    select(*inventory, options);
    Expected<LineStream> stream = LineStream::open(STDOUT_FILENO, {.when_full = WhenFull::kWait});
    if (!stream) {
        return fail(stream.error());
    }
    if (options.common.json) {
        JsonWriter json;
        write_json(json, *inventory);
        stream->write_line(json.take_line());
    } else if (options.csv) {
        write_csv(*stream, *inventory, !options.no_header);
    } else {
        write_text(*stream, *inventory, options);
    }
    stream->close();
    const std::optional<Error> error = stream->error();
    return error ? fail(*error) : ExitStatus::kDone;
}

} // namespace tcpledger
