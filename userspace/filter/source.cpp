// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "filter/source.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace tcpledger::filter {
namespace {

/// What is shown on either side of the place, at most.
constexpr std::size_t kContextBytes = 60;
constexpr std::string_view kCut = "...";

bool is_continuation(char byte)
{
    return (static_cast<unsigned char>(byte) & 0xc0) == 0x80;
}

/// Bytes of the well-formed, printable UTF-8 character that `text` begins with; 0: there is
/// none. C0, DEL, C1 and the marks that turn the direction of writing are not printable.
std::size_t character_bytes(std::string_view text)
{
    const auto lead = static_cast<unsigned char>(text[0]);
    if (lead < 0x80) {
        return lead >= 0x20 && lead != 0x7f ? 1 : 0;
    }
    const auto length = static_cast<std::size_t>(std::countl_one(lead)); // as the lead byte says
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length ||
        !std::all_of(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(length),
                     is_continuation)) {
        return 0;
    }
    std::uint32_t code = lead & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3fU);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    const bool turns = code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
                       (code >= 0x2066 && code <= 0x2069);
    return overlong || surrogate || turns || code > 0x10ffff || code < 0xa0 ? 0 : length;
}

std::size_t characters(std::string_view printable_text)
{
    return static_cast<std::size_t>(
        std::ranges::count_if(printable_text, [](char c) { return !is_continuation(c); }));
}

} // namespace

std::string printable(std::string_view text)
{
    std::string shown;
    shown.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = character_bytes(text);
        if (length == 0) {
            shown += '?';
        } else {
            shown += text.substr(0, length);
        }
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return shown;
}

FilterSource::FilterSource(std::span<const std::string> words)
{
    for (const std::string& word : words) {
        if (!text_.empty()) {
            text_ += ' ';
        }
        text_ += word;
    }
}

Error FilterSource::error_at(std::size_t offset, std::string_view expected) const
{
    const std::string_view text = text_;
    std::size_t begin = offset > kContextBytes ? offset - kContextBytes : 0;
    while (begin > 0 && begin < offset && is_continuation(text[begin])) {
        ++begin;
    }
    std::size_t end = std::min(text.size(), offset + kContextBytes);
    while (end < text.size() && is_continuation(text[end])) {
        ++end;
    }
    std::string before = begin > 0 ? std::string(kCut) : std::string();
    before += printable(text.substr(begin, offset - begin));
    std::string lines = before + printable(text.substr(offset, end - offset));
    if (end < text.size()) {
        lines += kCut;
    }
    lines += '\n' + std::string(characters(before), ' ') + "^\nexpected ";
    lines += expected;
    return {ErrorKind::kUsage, 0, std::move(lines), {}};
}

} // namespace tcpledger::filter
