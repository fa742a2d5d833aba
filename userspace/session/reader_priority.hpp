// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The scheduling of the thread that reads the records. It works a few per cent of the time, but
// must get that time however many others want the CPU: a lane that fills meanwhile loses records.
#pragma once

#include "session/budget.hpp"

#include <chrono>

namespace tcpledger {

/// Real time, the lowest priority of it, while that takes no more than half a CPU; else, and where
/// it is refused, nice -10, which is worth nothing against tasks of another group (session,
/// cgroup). Both take CAP_SYS_NICE, without which the thread takes its turn with all others.
/// Threads and processes that it starts have the usual priority.
class ReaderPriority {
public:
    /// Takes effect for the calling thread.
    void begin();
    /// Every now and then, by the same thread; `now` is of CLOCK_MONOTONIC.
    void review(std::chrono::nanoseconds now);

private:
    Budget budget_{2, std::chrono::milliseconds(200)};
    std::chrono::nanoseconds cpu_time_{}; ///< of the thread, as far as it is spent
    bool may_be_real_time_ = false;
    bool is_real_time_ = false;
};

} // namespace tcpledger
