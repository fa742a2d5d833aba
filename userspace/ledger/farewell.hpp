// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a socket said of itself when it went. Passive data.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace tcpledger {

struct Farewell {
    std::uint64_t bytes_sent = 0;          ///< payload, each byte once
    std::uint64_t bytes_retransmitted = 0; ///< payload sent again
    std::uint64_t bytes_received = 0;      ///< payload, in order
    std::uint32_t retransmits = 0;         ///< segments, SYN and FIN included
    std::optional<std::chrono::microseconds> srtt;
    std::optional<std::chrono::microseconds> min_rtt;
};

} // namespace tcpledger
