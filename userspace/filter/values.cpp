// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "filter/values.hpp"

#include "filter/lexer.hpp"

#include <array>
#include <charconv>

namespace tcpledger::filter {
namespace {

using std::chrono::nanoseconds;

struct Unit {
    std::string_view name;
    nanoseconds length;
};

constexpr std::array kUnits = {
    Unit{"ms", std::chrono::milliseconds(1)}, Unit{"s", std::chrono::seconds(1)},
    Unit{"m", std::chrono::minutes(1)},       Unit{"h", std::chrono::hours(1)},
    Unit{"d", std::chrono::hours(24)},
};

constexpr std::string_view kDurationExpected = "a time such as 500ms, 60s, 5m, 2h, 7d or 1h30m";
constexpr std::string_view kMarkExpected = "a mark such as 0x10, or a mark and a mask: 0x10/0xff";

/// Takes decimal digits off the front of `text`.
std::optional<std::uint64_t> take_digits(std::string_view& text)
{
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

/// Takes a unit off the front of `text`: what stands before the next digit.
std::optional<nanoseconds> take_unit(std::string_view& text)
{
    const std::size_t length = std::min(text.find_first_of("0123456789"), text.size());
    for (const Unit& unit : kUnits) {
        if (text.substr(0, length) == unit.name) {
            text.remove_prefix(length);
            return unit.length;
        }
    }
    return std::nullopt;
}

} // namespace

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t maximum) noexcept
{
    int base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        text.remove_prefix(2);
        base = 16;
    } else if (text.size() > 1 && text[0] == '0') {
        return std::nullopt;
    }
    std::uint64_t number = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number, base);
    if (error != std::errc{} || end != last || number > maximum) {
        return std::nullopt;
    }
    return number;
}

ParsedValue<nanoseconds> parse_duration(std::string_view text)
{
    const auto failure = [whole = text] {
        return tl::unexpected(expected_but(kDurationExpected, whole));
    };
    std::uint64_t total_ns = 0;
    for (bool first = true; first || !text.empty(); first = false) {
        const auto number = take_digits(text);
        const bool bare = first && text.empty();
        const auto unit =
            bare ? std::optional<nanoseconds>(std::chrono::seconds(1)) : take_unit(text);
        if (!number || !unit) {
            return failure();
        }
        const auto unit_ns = static_cast<std::uint64_t>(unit->count());
        constexpr auto kMaximum = static_cast<std::uint64_t>(nanoseconds::max().count());
        if (*number > (kMaximum - total_ns) / unit_ns) {
            return failure();
        }
        total_ns += *number * unit_ns;
    }
    return nanoseconds(static_cast<nanoseconds::rep>(total_ns));
}

ParsedValue<MarkTest> parse_mark(std::string_view text)
{
    MarkTest test;
    const std::size_t slash = text.find('/');
    const auto value = parse_number<std::uint32_t>(text.substr(0, slash));
    const auto mask = slash == std::string_view::npos
                          ? std::optional(test.mask)
                          : parse_number<std::uint32_t>(text.substr(slash + 1));
    if (!value || !mask) {
        return tl::unexpected(expected_but(kMarkExpected, text));
    }
    test.value = *value;
    test.mask = *mask;
    return test;
}

} // namespace tcpledger::filter
