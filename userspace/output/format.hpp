// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Numbers and times as people read them. Pure: the clock is the caller's. Machine formats
// (JSON, CSV) take only the append_ functions from here.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace tcpledger {

/// Milliseconds with microseconds behind the point, as bcc's tools print: "1.234"; rounded down.
[[nodiscard]] std::string format_milliseconds(std::chrono::nanoseconds duration);
void append_milliseconds(std::string& out, std::chrono::nanoseconds duration);

/// At most two units: "340us", "12ms", "12s", "5m12s", "2h14m", "3d4h"; "0s"; rounded down.
[[nodiscard]] std::string format_duration(std::chrono::nanoseconds duration);

/// What was measured, in three digits: "850ns", "31.2us", "1.94ms", "31.2s"; from a minute on as
/// format_duration().
[[nodiscard]] std::string format_latency(std::chrono::nanoseconds duration);

/// An age: ">5m" when it is only known to be at least that.
[[nodiscard]] std::string format_age(std::chrono::nanoseconds duration, bool is_lower_bound);

/// "3,856", "-1,000".
[[nodiscard]] std::string format_count(std::uint64_t number);
[[nodiscard]] std::string format_signed_count(std::int64_t number);

/// "12.3%"; "-" of nothing.
[[nodiscard]] std::string format_percent(std::uint64_t part, std::uint64_t whole);

/// Per-second figures: "0", "0.25", "4.2", "412", "50,312"; "-" when not finite.
[[nodiscard]] std::string format_rate(double per_second);

/// "1023 B", "1.5 KiB", "12 MiB".
[[nodiscard]] std::string format_bytes(std::uint64_t number);

/// "18:03:05" in the local time zone.
[[nodiscard]] std::string format_local_hms(std::chrono::system_clock::time_point time);

/// "2026-11-20T18:03:05.123456Z" (RFC 3339, UTC).
[[nodiscard]] std::string format_rfc3339_us(std::chrono::system_clock::time_point time);
void append_rfc3339_us(std::string& out, std::chrono::system_clock::time_point time);

} // namespace tcpledger
