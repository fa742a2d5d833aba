// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "analysis/churn_figures.hpp"

#include <algorithm>

namespace tcpledger {

void ChurnFigures::merge(const ChurnFigures& other)
{
    opened += other.opened;
    closed += other.closed;
    failed += other.failed;
    aborted += other.aborted;
    older += other.older;
    incoming += other.incoming;
    connects += other.connects;
    spared += other.spared;
    time_waits += other.time_waits;
    bytes_sent += other.bytes_sent;
    bytes_received += other.bytes_received;
    unseen += other.unseen;
    lifetimes.merge(other.lifetimes);
    processes += other.processes;
    for (std::size_t at = 0; at < endings.size(); ++at) {
        endings[at] += other.endings[at];
    }
}

double chance_unseen(std::chrono::nanoseconds life, std::chrono::nanoseconds period)
{
    if (period.count() <= 0) {
        return 0;
    }
    const double share = static_cast<double>(life.count()) / static_cast<double>(period.count());
    return std::clamp(1.0 - share, 0.0, 1.0);
}

} // namespace tcpledger
