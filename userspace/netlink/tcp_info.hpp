// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Turns the bytes of the kernel's struct tcp_info (linux/tcp.h) into TcpInfo. Apart from the
// parser, because linux/tcp.h and netinet/tcp.h cannot be included together.
#pragma once

#include "netlink/socket_row.hpp"

#include <cstddef>
#include <span>

namespace tcpledger {

/// Any length is fine: an older kernel's is shorter, a newer one's longer.
[[nodiscard]] TcpInfo read_tcp_info(std::span<const std::byte> bytes);

} // namespace tcpledger
