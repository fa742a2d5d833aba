// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads the bytes of sock_diag answers (linux/inet_diag.h) into rows. Pure and total: any bytes
// at any alignment give a result. It knows neither sockets nor what was asked.
#pragma once

#include "netlink/socket_row.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tcpledger {

/// What the answers do not say themselves.
struct ParseContext {
    std::uint32_t netns_inum = 0;
    std::uint32_t sequence = 0; ///< of the request; messages with another one are skipped
    std::uint8_t protocol = 0;
};

/// Where rows go. With `details`, each row has its details at the same index.
struct RowSink {
    std::vector<SocketRow>& rows;
    std::vector<SocketDetails>* details = nullptr;
};

struct ParseResult {
    bool done = false;         ///< NLMSG_DONE or NLMSG_ERROR was seen: no more will come
    bool interrupted = false;  ///< the kernel says that the dump has holes
    bool truncated = false;    ///< the bytes ended within a message
    int error_number = 0;      ///< positive; of NLMSG_ERROR or within NLMSG_DONE
    std::size_t foreign = 0;   ///< messages of another request
    std::size_t malformed = 0; ///< messages that are not what they claim to be
    std::size_t unknown = 0;   ///< whole messages of an unknown type, family or state
};

/// Appends a row for each socket in `bytes`, which is what one recv() gave.
[[nodiscard]] ParseResult parse_rows(std::span<const std::byte> bytes, const ParseContext& context,
                                     RowSink sink);

} // namespace tcpledger
