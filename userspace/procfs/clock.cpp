// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/clock.hpp"

#include "procfs/text.hpp"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

namespace tcpledger {
namespace {

using std::chrono::nanoseconds;

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kMaxNs = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMinNs = std::numeric_limits<std::int64_t>::min();

nanoseconds read_clock(clockid_t clock) noexcept
{
    timespec time = {};
    ::clock_gettime(clock, &time);
    return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

nanoseconds saturating_add(nanoseconds a, nanoseconds b) noexcept
{
    std::int64_t sum = 0;
    if (__builtin_add_overflow(a.count(), b.count(), &sum)) {
        sum = a.count() < 0 ? kMinNs : kMaxNs;
    }
    return nanoseconds(sum);
}

nanoseconds saturating_subtract(nanoseconds a, nanoseconds b) noexcept
{
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(a.count(), b.count(), &difference)) {
        difference = a.count() < 0 ? kMinNs : kMaxNs;
    }
    return nanoseconds(difference);
}

} // namespace

nanoseconds monotonic_now() noexcept
{
    return read_clock(CLOCK_MONOTONIC);
}

nanoseconds boottime_now() noexcept
{
    return read_clock(CLOCK_BOOTTIME);
}

nanoseconds thread_cpu_time() noexcept
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

ClockReading read_clocks() noexcept
{
    // Another task may run between two reads; the tightest of a few tries is the truest.
    constexpr int kTries = 5;
    ClockReading best;
    nanoseconds best_span = nanoseconds::max();
    for (int attempt = 0; attempt < kTries; ++attempt) {
        const nanoseconds before = monotonic_now();
        const nanoseconds boottime = boottime_now();
        const nanoseconds wall = read_clock(CLOCK_REALTIME);
        const nanoseconds span = monotonic_now() - before;
        if (span < best_span) {
            best_span = span;
            const nanoseconds monotonic = before + span / 2;
            // The two are equal where the host never slept; boot time never is the smaller.
            best = {monotonic, std::max(boottime, monotonic), WallTime(wall)};
        }
    }
    return best;
}

std::uint32_t user_hz() noexcept
{
    const long hz = ::sysconf(_SC_CLK_TCK);
    constexpr std::uint32_t kUsual = 100;
    return hz > 0 ? static_cast<std::uint32_t>(hz) : kUsual;
}

nanoseconds ticks_to_boottime(std::uint64_t ticks, std::uint32_t hz) noexcept
{
    if (hz == 0) {
        return nanoseconds(0);
    }
    const std::uint64_t seconds = ticks / hz;
    const std::uint64_t rest_ns = (ticks % hz) * kNsPerSecond / hz;
    if (seconds > (static_cast<std::uint64_t>(kMaxNs) - rest_ns) / kNsPerSecond) {
        return nanoseconds::max();
    }
    return nanoseconds(static_cast<std::int64_t>(seconds * kNsPerSecond + rest_ns));
}

std::uint64_t boottime_to_ticks(nanoseconds since_boot, std::uint32_t hz) noexcept
{
    if (since_boot.count() <= 0) {
        return 0;
    }
    const auto ns = static_cast<std::uint64_t>(since_boot.count());
    return ns / kNsPerSecond * hz + ns % kNsPerSecond * hz / kNsPerSecond;
}

WallTime Timeline::boot_time() const noexcept
{
    return wall_of_boottime(nanoseconds(0));
}

WallTime Timeline::wall_of_monotonic(nanoseconds monotonic) const noexcept
{
    return wall_of_boottime(boottime_of_monotonic(monotonic));
}

WallTime Timeline::wall_of_boottime(nanoseconds since_boot) const noexcept
{
    const nanoseconds boot =
        saturating_subtract(reading_.wall.time_since_epoch(), reading_.boottime);
    return WallTime(saturating_add(boot, since_boot));
}

WallTime Timeline::wall_of_ticks(std::uint64_t ticks) const noexcept
{
    return wall_of_boottime(ticks_to_boottime(ticks, hz_));
}

nanoseconds Timeline::boottime_of_monotonic(nanoseconds monotonic) const noexcept
{
    return saturating_add(monotonic, saturating_subtract(reading_.boottime, reading_.monotonic));
}

std::optional<std::int64_t> parse_boot_seconds(std::string_view proc_stat) noexcept
{
    while (!proc_stat.empty()) {
        std::string_view line = procfs::take_until(proc_stat, '\n');
        if (procfs::take_word(line) == "btime") {
            return procfs::parse_number<std::int64_t>(procfs::take_word(line));
        }
    }
    return std::nullopt;
}

} // namespace tcpledger
