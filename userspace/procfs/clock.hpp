// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The four ways a moment is written here, and how to get from one to another: the ring's
// CLOCK_MONOTONIC, a process's start in CLOCK_BOOTTIME and in ticks of /proc, the wall clock. Only
// read_clocks() looks at a clock; the rest is arithmetic, which saturates instead of overflowing.
#pragma once

#include "base/error.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tcpledger {

using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

/// The same moment on three clocks.
struct ClockReading {
    std::chrono::nanoseconds monotonic{0}; ///< CLOCK_MONOTONIC: stands still in suspend
    std::chrono::nanoseconds boottime{0};  ///< CLOCK_BOOTTIME: since boot
    WallTime wall;                         ///< CLOCK_REALTIME
};

[[nodiscard]] std::chrono::nanoseconds monotonic_now() noexcept;
[[nodiscard]] std::chrono::nanoseconds boottime_now() noexcept;

/// CPU time that the calling thread has used.
[[nodiscard]] std::chrono::nanoseconds thread_cpu_time() noexcept;

/// Reads all three, within about a microsecond of each other.
[[nodiscard]] ClockReading read_clocks() noexcept;

/// USER_HZ, the ticks per second of /proc: 100 on every common architecture.
[[nodiscard]] std::uint32_t user_hz() noexcept;

/// Ticks of /proc/PID/stat → since boot. Exact to one tick.
[[nodiscard]] std::chrono::nanoseconds ticks_to_boottime(std::uint64_t ticks,
                                                         std::uint32_t hz) noexcept;
/// Since boot → the tick that /proc/PID/stat shows for it (nsec_to_clock_t: rounded down).
[[nodiscard]] std::uint64_t boottime_to_ticks(std::chrono::nanoseconds since_boot,
                                              std::uint32_t hz) noexcept;

/// Conversions as of one reading: right until the wall clock is set or the host suspends,
/// so take a new one now and then.
class Timeline {
public:
    Timeline(const ClockReading& reading, std::uint32_t hz) noexcept : reading_(reading), hz_(hz) {}

    [[nodiscard]] WallTime boot_time() const noexcept;
    [[nodiscard]] WallTime wall_of_monotonic(std::chrono::nanoseconds monotonic) const noexcept;
    [[nodiscard]] WallTime wall_of_boottime(std::chrono::nanoseconds since_boot) const noexcept;
    [[nodiscard]] WallTime wall_of_ticks(std::uint64_t ticks) const noexcept;
    [[nodiscard]] std::chrono::nanoseconds
    boottime_of_monotonic(std::chrono::nanoseconds monotonic) const noexcept;

private:
    ClockReading reading_;
    std::uint32_t hz_;
};

/// The line "btime" of /proc/stat: boot by the wall clock, in whole seconds since 1970.
[[nodiscard]] std::optional<std::int64_t> parse_boot_seconds(std::string_view proc_stat) noexcept;

} // namespace tcpledger
