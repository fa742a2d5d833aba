// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "verify/witness.hpp"

#include "procfs/clock.hpp"

#include <utility>

namespace tcpledger {

const std::vector<std::uint32_t>* Witness::holders_of(const PlainSocket& socket) const
{
    const auto found = socket.inode != 0 ? links.holders.find(socket.inode) : links.holders.end();
    return found != links.holders.end() ? &found->second : nullptr;
}

Witness call_witness()
{
    Witness witness;
    const auto namespaces = open_namespaces("/proc", "/run/netns");
    witness.started = monotonic_now();
    for (const auto& [inum, fd] : namespaces) {
        Expected<PlainDump> dump = dump_plainly(fd.get(), inum);
        const std::string name = "network namespace " + std::to_string(inum) + ": ";
        if (!dump) {
            witness.notes.push_back(name + dump.error().message());
            continue;
        }
        if (dump->interrupted || dump->unreadable > 0) {
            witness.notes.push_back(name + "the dump has holes; not compared this time");
            continue;
        }
        witness.netns_inums.insert(inum);
        witness.sockets.insert(witness.sockets.end(), dump->sockets.begin(), dump->sockets.end());
    }
    witness.finished = monotonic_now();
    Expected<SocketLinks> links = read_socket_links("/proc");
    if (!links) {
        witness.notes.push_back(links.error().message());
        return witness;
    }
    witness.links_complete = links->denied == 0;
    if (links->denied > 0) {
        witness.notes.push_back("the descriptors of " + std::to_string(links->denied) +
                                " processes may not be read; owners are not compared");
    }
    witness.links = *std::move(links);
    return witness;
}

} // namespace tcpledger
