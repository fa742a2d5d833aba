// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What an independent look at the kernel says: every TCP socket of every network namespace by a
// dump of its own, who holds it by a walk of /proc of its own. It knows nothing of the books.
#pragma once

#include "netlink/plain_dump.hpp"
#include "procfs/socket_links.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace tcpledger {

struct Witness {
    std::chrono::nanoseconds started{};  ///< CLOCK_MONOTONIC
    std::chrono::nanoseconds finished{}; ///< of the dumps; the walk of /proc comes after
    std::vector<PlainSocket> sockets;
    std::set<std::uint32_t> netns_inums; ///< dumped whole
    SocketLinks links;
    bool links_complete = false;    ///< no process kept its descriptors from us
    std::vector<std::string> notes; ///< what could not be seen

    /// The holders of a socket; nullptr when nobody has a descriptor.
    [[nodiscard]] const std::vector<std::uint32_t>* holders_of(const PlainSocket& socket) const;
};

/// Never fails: what is missing is a note.
[[nodiscard]] Witness call_witness();

} // namespace tcpledger
