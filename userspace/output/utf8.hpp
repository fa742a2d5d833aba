// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads UTF-8 strictly (RFC 3629) and knows what a character does on a screen. It
// does not know how a character is written for JSON or CSV.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tcpledger {

struct Utf8Char {
    char32_t code = 0;
    std::uint8_t size = 1; ///< bytes taken; 1 when invalid
    bool valid = false;
};

/// The first character of `text`, which is not empty. Overlong forms, surrogates, values above
/// U+10FFFF and cut sequences are invalid, one byte at a time.
[[nodiscard]] Utf8Char decode_utf8(std::string_view text) noexcept;

/// A character that moves, hides or reorders others instead of showing itself: C0, DEL, C1,
/// bidirectional controls, line separators, zero-width and other default-ignorable ones.
[[nodiscard]] bool is_hidden(char32_t code) noexcept;

/// Printable ASCII: one byte, one column, nothing to decide. What most names are made of.
[[nodiscard]] constexpr bool is_showing_ascii(char byte) noexcept
{
    return byte >= 0x20 && byte < 0x7f;
}

/// Columns one character takes: 0 (combining), 1 or 2 (East Asian wide, emoji).
[[nodiscard]] unsigned char_width(char32_t code) noexcept;

/// Columns that `text` takes on a terminal; an invalid byte counts as one.
[[nodiscard]] std::size_t display_width(std::string_view text) noexcept;

/// The longest prefix of `text` that takes at most `columns`; never cuts a character.
[[nodiscard]] std::string_view prefix_of_width(std::string_view text, std::size_t columns) noexcept;

} // namespace tcpledger
