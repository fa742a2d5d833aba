// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "filter/precedence.hpp"

#include "filter/source.hpp"

#include <algorithm>

namespace tcpledger::filter {
namespace {

/// Longer lists are not written out.
constexpr std::size_t kShownBytes = 400;

std::string slice(std::string_view text, const ListPart& part)
{
    return printable(text.substr(part.begin, part.end - part.begin));
}

/// "a or (b and c)".
std::string by_rank(std::string_view text, std::span<const ListPart> parts)
{
    std::string reading;
    std::size_t i = 0;
    while (i < parts.size()) {
        std::string group = slice(text, parts[i]);
        const std::size_t first = i++;
        for (; i < parts.size() && !parts[i].after_or; ++i) {
            group.append(" and ").append(slice(text, parts[i]));
        }
        reading += first == 0 ? "" : " or ";
        reading += i - first > 1 ? group.insert(0, "(").append(")") : group;
    }
    return reading;
}

/// "(a or b) and c".
std::string from_left(std::string_view text, std::span<const ListPart> parts)
{
    std::string reading = slice(text, parts.front());
    for (std::size_t i = 1; i < parts.size(); ++i) {
        if (i > 1 && parts[i].after_or != parts[i - 1].after_or) {
            reading.insert(0, "(").append(")");
        }
        reading.append(parts[i].after_or ? " or " : " and ").append(slice(text, parts[i]));
    }
    return reading;
}

} // namespace

std::optional<std::string> precedence_warning(std::string_view text,
                                              std::span<const ListPart> parts)
{
    const auto first_or = std::ranges::find(parts, true, &ListPart::after_or);
    if (std::find_if(first_or, parts.end(), [](const ListPart& p) { return !p.after_or; }) ==
        parts.end()) {
        return std::nullopt;
    }
    if (parts.back().end - parts.front().begin > kShownBytes) {
        return "\"and\" binds closer than \"or\" here, as ss's manual page says; ss itself reads "
               "from left to right. Parentheses make it clear";
    }
    return "read as: " + by_rank(text, parts) +
           "\n(as ss's manual page ranks \"and\" and \"or\"; " +
           "ss itself reads: " + from_left(text, parts) + ")";
}

} // namespace tcpledger::filter
