// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The filter grammar of ss(8), and some more: words of a command line → a Filter. Pure: every
// name is asked of `Names`.
//
//   filter     = { ("state" | "exclude" | "excl") STATE } [ ["and"] expression ]
//   expression = conjunction { ("or" | "|" | "||") conjunction }
//   conjunction = term { [ "and" | "&" | "&&" ] term }
//   term       = ("not" | "!") term | "(" expression ")" | predicate
//   predicate  = "autobound" | "unaccepted" | WORD [ operator ] VALUE     (see vocabulary.cpp)
//   operator   = "=" "==" "eq" | "!=" "ne" "neq" | "<" "lt" | "<=" "le" "leq" | …
//
// Beyond ss: blanks are optional around operators and parentheses, src and dst take "!=",
// values may be quoted, "and" may follow the states.
#pragma once

#include "base/error.hpp"
#include "filter/filter.hpp"
#include "filter/names.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace tcpledger {

inline constexpr std::size_t kMaximumFilterBytes = std::size_t{1} << 20;
inline constexpr unsigned kMaximumFilterDepth = 200; ///< of parentheses

/// `words` is what a command line has left after its options: one quoted text or many words.
/// No words make the filter that matches everything. An error is kUsage, three lines long:
/// the expression, a caret under the word, what was expected.
[[nodiscard]] Expected<Filter> parse_filter(std::span<const std::string> words, const Names& names);

} // namespace tcpledger
