// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A router that says "host unreachable" to a SYN on the loopback.
#pragma once

#include <cstdint>

namespace scenario {

/// A raw socket that sees every IPv4 TCP segment of the namespace, or -errno.
int watch_segments();
/// Waits on `watch` for a SYN to `port` and answers it with ICMP host unreachable.
int answer_unreachable(int watch, std::uint16_t port);

} // namespace scenario
