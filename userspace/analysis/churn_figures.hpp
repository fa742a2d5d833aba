// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What churn counts of a set of connections: how many came, went and failed, how long they lived,
// what they cost. Passive data; two sets add up to one.
#pragma once

#include "base/log_histogram.hpp"
#include "ledger/ending.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tcpledger {

/// Durations in nanoseconds, wrong by at most 1.6 % of themselves.
using LifeHistogram = LogHistogram<5>;

inline constexpr std::size_t kEndings = static_cast<std::size_t>(Ending::kError) + 1;

struct ChurnFigures {
    std::uint64_t opened = 0;     ///< connect() called, or accepted by the kernel
    std::uint64_t closed = 0;     ///< ended, failed ones included
    std::uint64_t failed = 0;     ///< of the closed: never established
    std::uint64_t aborted = 0;    ///< of the closed: established, and ended in no orderly way
    std::uint64_t older = 0;      ///< of the closed: older than the tracer, so of unknown lifetime
    std::uint64_t incoming = 0;   ///< of the opened
    std::uint64_t connects = 0;   ///< outgoing ones opened, as the reuse pool saw them
    std::uint64_t spared = 0;     ///< of the connects: an idle connection would have done
    std::uint64_t time_waits = 0; ///< left a TIME_WAIT behind here
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
    double unseen = 0;           ///< how many a poller can expect not to see, of lifetimes.count()
    LifeHistogram lifetimes;     ///< of the closed ones that are not older
    std::uint64_t processes = 0; ///< that are in it, where it is a program's
    std::array<std::uint64_t, kEndings> endings{};

    void merge(const ChurnFigures& other);
    [[nodiscard]] std::uint64_t weight() const { return opened + closed + connects; }
};

/// The chance that a poll every `period` sees nothing of a connection that lives for `life`: its
/// begin is anywhere between two polls.
[[nodiscard]] double chance_unseen(std::chrono::nanoseconds life, std::chrono::nanoseconds period);

} // namespace tcpledger
