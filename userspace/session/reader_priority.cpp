// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/reader_priority.hpp"

#include "procfs/clock.hpp"

#include <sched.h>
#include <sys/resource.h>

namespace tcpledger {
namespace {

constexpr int kNice = -10;

/// False: refused.
bool set_real_time(bool real_time)
{
    const int policy = real_time ? SCHED_RR : SCHED_OTHER;
    sched_param parameters{};
    parameters.sched_priority = ::sched_get_priority_min(policy);
    return ::sched_setscheduler(0, policy | SCHED_RESET_ON_FORK, &parameters) == 0;
}

} // namespace

void ReaderPriority::begin()
{
    (void)::setpriority(PRIO_PROCESS, 0, kNice);
    cpu_time_ = thread_cpu_time();
    may_be_real_time_ = is_real_time_ = set_real_time(true);
}

void ReaderPriority::review(std::chrono::nanoseconds now)
{
    const auto cpu_time = thread_cpu_time();
    const bool wanted = budget_.credit(now) > std::chrono::nanoseconds{};
    budget_.spend(cpu_time - cpu_time_);
    cpu_time_ = cpu_time;
    if (may_be_real_time_ && wanted != is_real_time_ && set_real_time(wanted)) {
        is_real_time_ = wanted;
    }
}

} // namespace tcpledger
