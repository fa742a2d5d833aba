// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How long connections stayed in each state, how long connect() took and how long they waited for
// accept(), as histograms. Passive data; two of them add up to one.
#pragma once

#include "base/log_histogram.hpp"
#include "base/tcp_state.hpp"

#include <array>
#include <chrono>
#include <cstdint>

namespace tcpledger {

/// Durations in nanoseconds, wrong by at most 6.3 % of themselves.
using DwellHistogram = LogHistogram<3>;

/// A duration as a histogram's value; less than nothing is nothing.
[[nodiscard]] constexpr std::uint64_t value_of(std::chrono::nanoseconds duration) noexcept
{
    return duration.count() > 0 ? static_cast<std::uint64_t>(duration.count()) : 0;
}

struct Dwells {
    std::array<DwellHistogram, kStateSlots> states;
    DwellHistogram connect;     ///< SYN_SENT → ESTABLISHED
    DwellHistogram accept_wait; ///< ESTABLISHED → accept(), where that is told

    [[nodiscard]] DwellHistogram& in(TcpState state)
    {
        return states[static_cast<std::size_t>(state)];
    }
    [[nodiscard]] const DwellHistogram& in(TcpState state) const
    {
        return states[static_cast<std::size_t>(state)];
    }

    void merge(const Dwells& other);
    void clear();
};

} // namespace tcpledger
