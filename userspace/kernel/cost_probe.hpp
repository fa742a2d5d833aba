// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What an event costs on this host: an empty program and ours, timed by the kernel
// over some loopback connections in a network namespace of the probe's own.
#pragma once

#include "base/error.hpp"

#include <cstdint>

namespace tcpledger {

struct EventCost {
    double empty_ns = 0; ///< a program that does nothing, the kernel's clock included
    double ours_ns = 0;
    std::uint64_t events = 0; ///< each was run over
};

/// Takes about a tenth of a second; needs CAP_SYS_ADMIN.
[[nodiscard]] Expected<EventCost> measure_event_cost();

} // namespace tcpledger
