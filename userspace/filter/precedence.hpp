// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Where ss and its manual part: the manual page ranks "and" above "or", which is how filters
// are read here; ss itself takes both from left to right.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tcpledger::filter {

/// One operand of a list of operands joined by and and or, none of them in parentheses of
/// their own.
struct ListPart {
    std::size_t begin = 0; ///< in the source's text
    std::size_t end = 0;
    bool after_or = false; ///< joined to the one before it by or; by and (or nothing) otherwise
};

/// A line that gives both readings, where they differ: an "and" comes after an "or".
[[nodiscard]] std::optional<std::string> precedence_warning(std::string_view text,
                                                            std::span<const ListPart> parts);

} // namespace tcpledger::filter
