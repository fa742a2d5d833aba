// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/flame_label.hpp"

#include "output/table.hpp"
#include "output/utf8.hpp"

#include <algorithm>

namespace tcpledger {
namespace {

constexpr std::size_t kLeastColumns = 3; // "so…"
constexpr std::size_t kGap = 2;
constexpr std::size_t kNameBesideCount = 8;
constexpr std::size_t kNameBesideLocation = 20;

/// Where the bracket that closes at `close` opens; npos: nowhere.
std::size_t opening_of(std::string_view name, std::size_t close)
{
    std::size_t open = 0;
    for (std::size_t at = close + 1; at-- > 0;) {
        open += name[at] == ')' ? 1U : 0U;
        open -= name[at] == '(' ? 1U : 0U;
        if (open == 0) {
            return at;
        }
    }
    return std::string_view::npos;
}

std::string_view without_arguments(std::string_view name)
{
    const std::size_t close = name.rfind(')');
    if (close == std::string_view::npos || name.find('>', close) != std::string_view::npos) {
        return name; // "f<void (int)>": of a template's argument
    }
    const std::size_t open = opening_of(name, close);
    return open == 0 || open == std::string_view::npos ? name : name.substr(0, open);
}

/// What follows the last "::" that is in no bracket.
std::string_view without_qualifiers(std::string_view name)
{
    int open = 0;
    for (std::size_t at = name.size(); at-- > 1;) {
        const char c = name[at];
        open += c == ')' || c == '>' ? 1 : 0;
        open -= c == '(' || c == '<' ? 1 : 0;
        if (open == 0 && c == ':' && name[at - 1] == ':' && at + 1 < name.size()) {
            return name.substr(at + 1);
        }
    }
    return name;
}

} // namespace

std::string fit_name(std::string_view name, std::size_t columns)
{
    if (display_width(name) > columns) {
        name = without_arguments(name);
    }
    if (display_width(name) > columns) {
        name = without_qualifiers(name);
    }
    return cut_to_width(name, columns);
}

FlameLabel fit_label(std::string_view name, std::string_view location, std::string_view count,
                     std::size_t columns)
{
    FlameLabel label;
    const std::size_t whole = display_width(name);
    if (columns < std::min(kLeastColumns, whole)) {
        return label;
    }
    const auto takes = [&columns, whole](std::string_view text, std::size_t least_name) {
        const std::size_t wanted = display_width(text) + kGap;
        if (text.empty() || columns < wanted + std::min(whole, least_name)) {
            return false;
        }
        columns -= wanted;
        return true;
    };
    label.shows_count = takes(count, kNameBesideCount);
    if (takes(location, kNameBesideLocation)) {
        label.location = location;
    }
    label.name = fit_name(name, columns);
    return label;
}

} // namespace tcpledger
