// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The words a predicate begins with, what each takes, and how its test is made of a value.
// A new predicate is a line of the table here and a test in predicate.hpp.
#pragma once

#include "filter/lexer.hpp"
#include "filter/values.hpp"

#include <string>
#include <string_view>

namespace tcpledger::filter {

enum class Takes {
    kNothing,  ///< a word that stands alone
    kEquality, ///< [=|!=] VALUE
    kOrder,    ///< [=|!=|<|<=|>|>=] VALUE
};

struct PredicateWord {
    std::string_view word;
    Takes takes;
    std::string_view value; ///< what it expects, for messages; empty with kNothing
    ParsedValue<Predicate> (*parse)(const Value&, Comparison, const Names&);
};

/// nullptr for any other word.
[[nodiscard]] const PredicateWord* find_predicate(std::string_view word) noexcept;

/// "src, dst, … or unaccepted", for messages.
[[nodiscard]] std::string predicate_words();

} // namespace tcpledger::filter
