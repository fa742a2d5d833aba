// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/format.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <ctime>
#include <iterator>
#include <span>
#include <string_view>

namespace tcpledger {
namespace {

using namespace std::chrono;

std::string two_units(std::int64_t large, std::string_view large_unit, std::int64_t small,
                      std::string_view small_unit)
{
    if (small == 0) {
        return fmt::format("{}{}", large, large_unit);
    }
    return fmt::format("{}{}{}{}", large, large_unit, small, small_unit);
}

/// `number` is not negative and has at most `width` digits.
void put_digits(std::span<char> text, std::size_t at, std::size_t width, std::int64_t number)
{
    for (std::size_t digit = at + width; digit-- > at;) {
        text[digit] = static_cast<char>('0' + number % 10);
        number /= 10;
    }
}

} // namespace

void append_milliseconds(std::string& out, nanoseconds duration)
{
    const std::int64_t us = floor<microseconds>(duration).count();
    const bool negative = us < 0;
    const auto magnitude =
        negative ? 0 - static_cast<std::uint64_t>(us) : static_cast<std::uint64_t>(us);
    fmt::format_to(std::back_inserter(out), "{}{}.{:03}", negative ? "-" : "", magnitude / 1000,
                   magnitude % 1000);
}

std::string format_milliseconds(nanoseconds duration)
{
    std::string out;
    append_milliseconds(out, duration);
    return out;
}

std::string format_duration(nanoseconds duration)
{
    if (duration < nanoseconds::zero()) {
        return duration == nanoseconds::min() ? "-" : "-" + format_duration(-duration);
    }
    if (duration < 1us) {
        return "0s";
    }
    if (duration < 1ms) {
        return fmt::format("{}us", floor<microseconds>(duration).count());
    }
    if (duration < 1s) {
        return fmt::format("{}ms", floor<milliseconds>(duration).count());
    }
    const std::int64_t s = floor<seconds>(duration).count();
    if (s < 60) {
        return fmt::format("{}s", s);
    }
    if (s < 3600) {
        return two_units(s / 60, "m", s % 60, "s");
    }
    if (s < 86400) {
        return two_units(s / 3600, "h", s % 3600 / 60, "m");
    }
    return two_units(s / 86400, "d", s % 86400 / 3600, "h");
}

std::string format_latency(nanoseconds duration)
{
    struct Unit {
        nanoseconds size;
        const char* name;
    };
    constexpr Unit kUnits[] = {{1s, "s"}, {1ms, "ms"}, {1us, "us"}};
    if (duration >= 60s || duration < nanoseconds::zero()) {
        return format_duration(duration);
    }
    for (const Unit& unit : kUnits) {
        if (duration >= unit.size) {
            const double number =
                static_cast<double>(duration.count()) / static_cast<double>(unit.size.count());
            const int decimals = number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2;
            return fmt::format("{:.{}f}{}", number, decimals, unit.name);
        }
    }
    return fmt::format("{}ns", duration.count());
}

std::string format_age(nanoseconds duration, bool is_lower_bound)
{
    return (is_lower_bound ? ">" : "") + format_duration(duration);
}

std::string format_count(std::uint64_t number)
{
    const std::string digits = fmt::format("{}", number);
    std::string out;
    for (std::size_t at = 0; at < digits.size(); ++at) {
        if (at > 0 && (digits.size() - at) % 3 == 0) {
            out += ',';
        }
        out += digits[at];
    }
    return out;
}

std::string format_signed_count(std::int64_t number)
{
    return number < 0 ? "-" + format_count(0 - static_cast<std::uint64_t>(number))
                      : format_count(static_cast<std::uint64_t>(number));
}

std::string format_percent(std::uint64_t part, std::uint64_t whole)
{
    if (whole == 0) {
        return "-";
    }
    return fmt::format("{:.1f}%", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string format_rate(double per_second)
{
    constexpr double kLargest = 1e15;
    if (!std::isfinite(per_second)) {
        return "-";
    }
    const double size = std::abs(per_second);
    if (size < 0.005) {
        return "0";
    }
    if (size >= kLargest) {
        return fmt::format("{:.3g}", per_second);
    }
    if (size >= 99.95) {
        return format_signed_count(std::llround(per_second));
    }
    return size < 0.995 ? fmt::format("{:.2f}", per_second) : fmt::format("{:.1f}", per_second);
}

std::string format_bytes(std::uint64_t number)
{
    constexpr std::array<std::string_view, 6> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (number < 1024) {
        return fmt::format("{} B", number);
    }
    double value = static_cast<double>(number) / 1024;
    std::size_t unit = 0;
    while (value >= 1023.5 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    return value < 9.95 ? fmt::format("{:.1f} {}", value, kUnits[unit])
                        : fmt::format("{:.0f} {}", value, kUnits[unit]);
}

std::string format_local_hms(system_clock::time_point time)
{
    const std::time_t since_epoch = system_clock::to_time_t(floor<seconds>(time));
    std::tm local{};
    if (::localtime_r(&since_epoch, &local) == nullptr) {
        return "--:--:--";
    }
    return fmt::format("{:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec);
}

void append_rfc3339_us(std::string& out, system_clock::time_point time)
{
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(floor<microseconds>(time - day));
    std::array<char, 27> text = {'0', '0', '0', '0', '-', '0', '0', '-', '0',
                                 '0', 'T', '0', '0', ':', '0', '0', ':', '0',
                                 '0', '.', '0', '0', '0', '0', '0', '0', 'Z'};
    put_digits(text, 0, 4, static_cast<int>(date.year()));
    put_digits(text, 5, 2, static_cast<unsigned>(date.month()));
    put_digits(text, 8, 2, static_cast<unsigned>(date.day()));
    put_digits(text, 11, 2, clock.hours().count());
    put_digits(text, 14, 2, clock.minutes().count());
    put_digits(text, 17, 2, clock.seconds().count());
    put_digits(text, 20, 6, clock.subseconds().count());
    out.append(text.data(), text.size());
}

std::string format_rfc3339_us(system_clock::time_point time)
{
    std::string out;
    append_rfc3339_us(out, time);
    return out;
}

} // namespace tcpledger
