// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How a socket came by its local port.
#pragma once

#include <cstdint>

namespace tcpledger {

/// As tl_port_origin.
enum class PortOrigin : std::uint8_t {
    kUnknown,
    kChosen, ///< by the kernel: no bind(), or to port 0; also of what came from a listener
    kGiven,  ///< to bind()
};

} // namespace tcpledger
