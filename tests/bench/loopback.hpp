// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the benchmark's workload programs share: plain IPv4 sockets on loopback,
// in the network namespace the program was started in. Knows nothing of tracing.
#pragma once

#include "base/error.hpp"
#include "base/unique_fd.hpp"

#include <cstdint>

#include <netinet/in.h>

namespace tcpledger::bench {

/// 127.a.b.c with a, b, c from the low 24 bits of `host`; `port` in host order.
[[nodiscard]] sockaddr_in loopback(std::uint32_t host, std::uint16_t port);

/// A listening socket on `address`, its queue as long as the kernel permits.
[[nodiscard]] Expected<UniqueFd> listen_on(const sockaddr_in& address);

/// A connected socket; blocks until the handshake is done.
[[nodiscard]] Expected<UniqueFd> connect_to(const sockaddr_in& address);

/// A positive decimal number no greater than `max`.
[[nodiscard]] Expected<unsigned> parse_count(const char* text, unsigned max);

} // namespace tcpledger::bench
