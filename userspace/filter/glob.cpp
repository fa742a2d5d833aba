// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "filter/glob.hpp"

#include <cstddef>

namespace tcpledger::filter {
namespace {

constexpr std::size_t kNowhere = std::string_view::npos;

/// The index of the `]` that ends the set opened at `open`, kNowhere without one. A `]` that
/// comes first in the set is a member.
std::size_t set_end(std::string_view pattern, std::size_t open)
{
    std::size_t first = open + 1;
    if (first < pattern.size() && (pattern[first] == '!' || pattern[first] == '^')) {
        ++first;
    }
    return first < pattern.size() ? pattern.find(']', first + 1) : kNowhere;
}

/// `members` is what stands between the brackets, not empty.
bool set_holds(std::string_view members, char byte)
{
    const bool inverted = members[0] == '!' || members[0] == '^';
    if (inverted) {
        members.remove_prefix(1);
    }
    const auto value = [](char c) { return static_cast<unsigned char>(c); };
    bool found = false;
    for (std::size_t i = 0; i < members.size() && !found; ++i) {
        if (i + 2 < members.size() && members[i + 1] == '-') {
            found = value(members[i]) <= value(byte) && value(byte) <= value(members[i + 2]);
            i += 2;
        } else {
            found = members[i] == byte;
        }
    }
    return found != inverted;
}

/// Matches the one element at pattern[at] (not a `*`) against `byte`. Returns the index
/// after the element, kNowhere when it does not match.
std::size_t match_one(std::string_view pattern, std::size_t at, char byte)
{
    if (pattern[at] == '?') {
        return at + 1;
    }
    if (pattern[at] == '[') {
        if (const std::size_t end = set_end(pattern, at); end != kNowhere) {
            return set_holds(pattern.substr(at + 1, end - at - 1), byte) ? end + 1 : kNowhere;
        }
    }
    if (pattern[at] == '\\' && at + 1 < pattern.size()) {
        ++at;
    }
    return pattern[at] == byte ? at + 1 : kNowhere;
}

} // namespace

bool glob_matches(std::string_view pattern, std::string_view text) noexcept
{
    if (pattern == text) {
        return true;
    }
    std::size_t at = 0;
    std::size_t consumed = 0;
    std::size_t after_star = kNowhere; // where to resume when the last `*` takes one byte more
    std::size_t star_took_until = 0;
    while (consumed < text.size()) {
        if (at < pattern.size() && pattern[at] == '*') {
            after_star = ++at;
            star_took_until = consumed;
            continue;
        }
        const std::size_t next =
            at < pattern.size() ? match_one(pattern, at, text[consumed]) : kNowhere;
        if (next != kNowhere) {
            at = next;
            ++consumed;
        } else if (after_star != kNowhere) {
            at = after_star;
            consumed = ++star_took_until;
        } else {
            return false;
        }
    }
    while (at < pattern.size() && pattern[at] == '*') {
        ++at;
    }
    return at == pattern.size();
}

} // namespace tcpledger::filter
