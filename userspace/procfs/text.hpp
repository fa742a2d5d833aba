// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Cutting up the small text files of /proc: words, lines, numbers. Pure and total
// on any bytes; it knows no files and no file's meaning.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>
#include <system_error>

namespace tcpledger::procfs {

/// The number that is the whole of `text`, in decimal; nothing for anything else, overflow
/// included.
template <std::integral Number>
[[nodiscard]] std::optional<Number> parse_number(std::string_view text) noexcept
{
    Number number{};
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end) {
        return std::nullopt;
    }
    return number;
}

/// Takes from `rest` what is before the next `separator`, and the separator; at the end, all.
[[nodiscard]] inline std::string_view take_until(std::string_view& rest, char separator) noexcept
{
    const std::size_t length = rest.find(separator);
    const std::string_view part = rest.substr(0, length);
    rest.remove_prefix(length == std::string_view::npos ? rest.size() : length + 1);
    return part;
}

/// Takes the next word, as blanks and line ends part them; empty where there is none left.
[[nodiscard]] inline std::string_view take_word(std::string_view& rest) noexcept
{
    constexpr std::string_view kBlanks = " \t\r\n";
    const std::size_t begin = rest.find_first_not_of(kBlanks);
    rest.remove_prefix(begin == std::string_view::npos ? rest.size() : begin);
    const std::size_t length = rest.find_first_of(kBlanks);
    const std::string_view word = rest.substr(0, length);
    rest.remove_prefix(word.size());
    return word;
}

} // namespace tcpledger::procfs
