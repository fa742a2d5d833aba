// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/escape.hpp"

#include "output/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace tcpledger {
namespace {

void append_byte_escape(std::string& out, char byte)
{
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(byte));
}

/// Shown by every writer as it is.
bool is_harmless(char byte)
{
    return is_showing_ascii(byte) && byte != '\\' && byte != '"';
}

/// Calls `replace(character, byte)` for each character that `keep` refuses and copies the runs
/// between them; harmless ASCII is not asked about.
template <typename Keep, typename Replace>
void copy_except(std::string& out, std::string_view raw, Keep keep, Replace replace)
{
    std::size_t run = 0;
    for (std::size_t at = 0; at < raw.size();) {
        if (is_harmless(raw[at])) {
            ++at;
            continue;
        }
        const Utf8Char next = decode_utf8(raw.substr(at));
        if (!keep(next)) {
            out.append(raw.substr(run, at - run));
            replace(next, raw[at]);
            run = at + next.size;
        }
        at += next.size;
    }
    out.append(raw.substr(run));
}

void append_visible_escape(std::string& out, const Utf8Char& next, char byte)
{
    switch (byte) {
    case '\n':
        out += "\\n";
        return;
    case '\t':
        out += "\\t";
        return;
    case '\r':
        out += "\\r";
        return;
    case '\\':
        out += "\\\\";
        return;
    default:
        break;
    }
    if (next.valid && next.code >= 0x80) {
        fmt::format_to(std::back_inserter(out), "\\u{{{:x}}}", static_cast<unsigned>(next.code));
    } else {
        append_byte_escape(out, byte);
    }
}

void append_json_unit(std::string& out, unsigned unit)
{
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", unit);
}

void append_json_escape(std::string& out, const Utf8Char& next, char byte)
{
    if (!next.valid) {
        out += '\\'; // of the four characters \xNN the backslash is escaped
        append_byte_escape(out, byte);
        return;
    }
    if (next.code == U'"' || next.code == U'\\') {
        out += '\\';
        out += byte;
        return;
    }
    const auto code = static_cast<unsigned>(next.code);
    if (code < 0x10000) {
        append_json_unit(out, code);
    } else {
        append_json_unit(out, 0xd800 + ((code - 0x10000) >> 10U));
        append_json_unit(out, 0xdc00 + ((code - 0x10000) & 0x3ffU));
    }
}

bool is_plain_word(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    });
}

/// Spreadsheets read these first characters as the start of a formula; the fullwidth
/// forms count too in East Asian locales.
bool starts_formula(std::string_view raw)
{
    const Utf8Char first = decode_utf8(raw);
    if (!first.valid) {
        return false;
    }
    switch (first.code) {
    case U'=':
    case U'@':
    case U'\uff1d':
    case U'\uff0b':
    case U'\uff0d':
    case U'\uff20':
        return true;
    case U'+':
    case U'-':
        return !is_plain_word(raw.substr(1));
    default:
        return false;
    }
}

bool wants_quotes(std::string_view text)
{
    return text.find_first_of("\",") != std::string_view::npos ||
           (!text.empty() && (text.front() == ' ' || text.back() == ' '));
}

} // namespace

void append_visible(std::string& out, std::string_view raw)
{
    const auto keep = [](const Utf8Char& next) {
        if (next.valid && next.code < 0x7f) {
            return next.code >= 0x20 && next.code != U'\\';
        }
        return next.valid && !is_hidden(next.code);
    };
    copy_except(out, raw, keep,
                [&](const Utf8Char& next, char byte) { append_visible_escape(out, next, byte); });
}

std::string visible(std::string_view raw)
{
    std::string out;
    append_visible(out, raw);
    return out;
}

std::string json_safe(std::string_view raw)
{
    std::string out;
    copy_except(
        out, raw, [](const Utf8Char& next) { return next.valid; },
        [&](const Utf8Char&, char byte) { append_byte_escape(out, byte); });
    return out;
}

void append_json_string(std::string& out, std::string_view raw)
{
    const auto keep = [](const Utf8Char& next) {
        return next.valid && next.code != U'"' && next.code != U'\\' && !is_hidden(next.code);
    };
    out += '"';
    copy_except(out, raw, keep,
                [&](const Utf8Char& next, char byte) { append_json_escape(out, next, byte); });
    out += '"';
}

void append_csv_field(std::string& out, std::string_view raw)
{
    std::string text;
    if (!raw.empty() && starts_formula(raw)) {
        const Utf8Char first = decode_utf8(raw);
        append_visible_escape(text, first, raw.front());
        raw.remove_prefix(first.size);
    }
    append_visible(text, raw);
    if (!wants_quotes(text)) {
        out += text;
        return;
    }
    out += '"';
    for (const char c : text) {
        if (c == '"') {
            out += '"';
        }
        out += c;
    }
    out += '"';
}

std::string csv_field(std::string_view raw)
{
    std::string out;
    append_csv_field(out, raw);
    return out;
}

} // namespace tcpledger
