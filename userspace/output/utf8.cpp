// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/utf8.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace tcpledger {
namespace {

struct Range {
    char32_t first;
    char32_t last;
};

/// Ascending, so that a binary search finds the only candidate.
bool contains(std::span<const Range> ranges, char32_t code)
{
    const auto after = std::ranges::upper_bound(ranges, code, {}, &Range::first);
    return after != ranges.begin() && code <= std::prev(after)->last;
}

constexpr std::array kHidden = {
    Range{0x0000, 0x001f},   // C0
    Range{0x007f, 0x009f},   // DEL and C1
    Range{0x00ad, 0x00ad},   // soft hyphen
    Range{0x034f, 0x034f},   // combining grapheme joiner
    Range{0x061c, 0x061c},   // Arabic letter mark
    Range{0x115f, 0x1160},   // Hangul fillers
    Range{0x17b4, 0x17b5},   // Khmer inherent vowels
    Range{0x180e, 0x180e},   // Mongolian vowel separator
    Range{0x200b, 0x200f},   // zero width, directional marks
    Range{0x2028, 0x202e},   // line separators, embeddings and overrides
    Range{0x2060, 0x206f},   // word joiner, isolates, deprecated format controls
    Range{0x3164, 0x3164},   // Hangul filler
    Range{0xfdd0, 0xfdef},   // noncharacters
    Range{0xfeff, 0xfeff},   // byte order mark
    Range{0xffa0, 0xffa0},   // halfwidth Hangul filler
    Range{0xfff0, 0xfffb},   // interlinear annotation
    Range{0xfffe, 0xffff},   // noncharacters
    Range{0x1bca0, 0x1bca3}, // shorthand format controls
    Range{0x1d173, 0x1d17a}, // musical format controls
    Range{0xe0000, 0xe0fff}, // tags, supplementary variation selectors
};

/// The common combining marks; what a small table leaves out counts as one column.
constexpr std::array kCombining = {
    Range{0x0300, 0x036f}, Range{0x0483, 0x0489}, Range{0x0591, 0x05bd}, Range{0x05bf, 0x05bf},
    Range{0x05c1, 0x05c2}, Range{0x05c4, 0x05c5}, Range{0x0610, 0x061a}, Range{0x064b, 0x065f},
    Range{0x0670, 0x0670}, Range{0x06d6, 0x06dc}, Range{0x06df, 0x06e4}, Range{0x06e7, 0x06e8},
    Range{0x06ea, 0x06ed}, Range{0x0900, 0x0902}, Range{0x093c, 0x093c}, Range{0x0941, 0x0948},
    Range{0x094d, 0x094d}, Range{0x0951, 0x0957}, Range{0x0e31, 0x0e31}, Range{0x0e34, 0x0e3a},
    Range{0x0e47, 0x0e4e}, Range{0x1ab0, 0x1aff}, Range{0x1dc0, 0x1dff}, Range{0x20d0, 0x20f0},
    Range{0x302a, 0x302d}, Range{0x3099, 0x309a}, Range{0xfe00, 0xfe0f}, Range{0xfe20, 0xfe2f},
};

/// East Asian Wide and Fullwidth (Unicode's EastAsianWidth), in coarse ranges.
constexpr std::array kWide = {
    Range{0x1100, 0x115f},   Range{0x231a, 0x231b},   Range{0x2329, 0x232a},
    Range{0x23e9, 0x23ec},   Range{0x25fd, 0x25fe},   Range{0x2614, 0x2615},
    Range{0x2648, 0x2653},   Range{0x26a1, 0x26a1},   Range{0x26bd, 0x26be},
    Range{0x26c4, 0x26c5},   Range{0x26d4, 0x26d4},   Range{0x26ea, 0x26ea},
    Range{0x26f2, 0x26f3},   Range{0x26f5, 0x26f5},   Range{0x26fd, 0x26fd},
    Range{0x2705, 0x2705},   Range{0x270a, 0x270b},   Range{0x2728, 0x2728},
    Range{0x274c, 0x274c},   Range{0x2753, 0x2755},   Range{0x2757, 0x2757},
    Range{0x2795, 0x2797},   Range{0x2b1b, 0x2b1c},   Range{0x2b50, 0x2b50},
    Range{0x2e80, 0x303e},   Range{0x3041, 0x33ff},   Range{0x3400, 0x4dbf},
    Range{0x4e00, 0x9fff},   Range{0xa000, 0xa4cf},   Range{0xa960, 0xa97f},
    Range{0xac00, 0xd7a3},   Range{0xf900, 0xfaff},   Range{0xfe10, 0xfe19},
    Range{0xfe30, 0xfe6f},   Range{0xff00, 0xff60},   Range{0xffe0, 0xffe6},
    Range{0x16fe0, 0x18cff}, Range{0x1aff0, 0x1b2ff}, Range{0x1f004, 0x1f004},
    Range{0x1f0cf, 0x1f0cf}, Range{0x1f18e, 0x1f18e}, Range{0x1f191, 0x1f19a},
    Range{0x1f200, 0x1f320}, Range{0x1f32d, 0x1f335}, Range{0x1f337, 0x1f37c},
    Range{0x1f37e, 0x1f393}, Range{0x1f3a0, 0x1f3ca}, Range{0x1f3cf, 0x1f3d3},
    Range{0x1f3e0, 0x1f3f0}, Range{0x1f3f4, 0x1f3f4}, Range{0x1f3f8, 0x1f43e},
    Range{0x1f440, 0x1f440}, Range{0x1f442, 0x1f4fc}, Range{0x1f4ff, 0x1f53d},
    Range{0x1f54b, 0x1f54e}, Range{0x1f550, 0x1f567}, Range{0x1f57a, 0x1f57a},
    Range{0x1f595, 0x1f596}, Range{0x1f5a4, 0x1f5a4}, Range{0x1f5fb, 0x1f64f},
    Range{0x1f680, 0x1f6c5}, Range{0x1f6cc, 0x1f6cc}, Range{0x1f6d0, 0x1f6d2},
    Range{0x1f6d5, 0x1f6df}, Range{0x1f6eb, 0x1f6ec}, Range{0x1f6f4, 0x1f6fc},
    Range{0x1f7e0, 0x1f7f0}, Range{0x1f90c, 0x1f93a}, Range{0x1f93c, 0x1f945},
    Range{0x1f947, 0x1f9ff}, Range{0x1fa70, 0x1faff}, Range{0x20000, 0x2fffd},
    Range{0x30000, 0x3fffd},
};

struct Step {
    std::size_t bytes;
    std::size_t columns;
};

Step step_of(std::string_view text, std::size_t at)
{
    if (is_showing_ascii(text[at])) {
        return {1, 1};
    }
    const Utf8Char next = decode_utf8(text.substr(at));
    return {next.size, next.valid ? char_width(next.code) : 1};
}

struct Lead {
    std::uint8_t size;
    char32_t bits;
    char32_t smallest; ///< below it the form is overlong
};

Lead lead_of(unsigned char byte)
{
    if (byte < 0x80) {
        return {1, byte, 0};
    }
    if (byte >= 0xc2 && byte < 0xe0) {
        return {2, byte & 0x1fU, 0x80};
    }
    if (byte >= 0xe0 && byte < 0xf0) {
        return {3, byte & 0x0fU, 0x800};
    }
    if (byte >= 0xf0 && byte < 0xf5) {
        return {4, byte & 0x07U, 0x10000};
    }
    return {0, 0, 0};
}

} // namespace

Utf8Char decode_utf8(std::string_view text) noexcept
{
    constexpr Utf8Char kInvalid{};
    const Lead lead = lead_of(static_cast<unsigned char>(text.front()));
    if (lead.size == 0 || text.size() < lead.size) {
        return kInvalid;
    }
    char32_t code = lead.bits;
    for (std::size_t at = 1; at < lead.size; ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if ((byte & 0xc0U) != 0x80U) {
            return kInvalid;
        }
        code = (code << 6U) | (byte & 0x3fU);
    }
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    if (code < lead.smallest || code > 0x10ffff || surrogate) {
        return kInvalid;
    }
    return {code, lead.size, true};
}

bool is_hidden(char32_t code) noexcept
{
    return contains(kHidden, code);
}

unsigned char_width(char32_t code) noexcept
{
    if (code < 0x300) {
        return 1;
    }
    if (contains(kCombining, code)) {
        return 0;
    }
    return contains(kWide, code) ? 2 : 1;
}

std::size_t display_width(std::string_view text) noexcept
{
    std::size_t width = 0;
    for (std::size_t at = 0; at < text.size();) {
        const Step step = step_of(text, at);
        width += step.columns;
        at += step.bytes;
    }
    return width;
}

std::string_view prefix_of_width(std::string_view text, std::size_t columns) noexcept
{
    std::size_t width = 0;
    for (std::size_t at = 0; at < text.size();) {
        const Step step = step_of(text, at);
        width += step.columns;
        if (width > columns) {
            return text.substr(0, at);
        }
        at += step.bytes;
    }
    return text;
}

} // namespace tcpledger
