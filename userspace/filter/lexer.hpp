// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Cuts a filter's text into tokens, on demand: what may stand in a value (a cgroup path with
// '=', a glob with '!') would be an operator elsewhere, and only the parser knows where it is.
// It knows no predicate and no name.
#pragma once

#include "filter/source.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace tcpledger::filter {

enum class TokenKind {
    kEnd,
    kOpen,
    kClose,
    kAnd,
    kOr,
    kNot,
    kEqual,
    kNotEqual,
    kLess,
    kLessOrEqual,
    kGreater,
    kGreaterOrEqual,
    kWord,
};

struct Token {
    TokenKind kind = TokenKind::kEnd;
    std::size_t begin = 0; ///< in the source's text
    std::size_t end = 0;
    std::string_view text;
};

/// What stands on the right side of a comparison.
struct Value {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::string text;    ///< without quotes and backslashes
    std::string pattern; ///< without quotes, backslashes kept: they escape for a glob as well
};

class Lexer {
public:
    /// `source` must outlive the lexer.
    explicit Lexer(const FilterSource& source) : source_(source) {}

    /// The next token, left in place. Blanks need not stand around operators and parentheses;
    /// a backslash before one of those (as people type for the shell) means nothing.
    [[nodiscard]] Token peek() const;
    /// Goes past `token`, which was peeked.
    void accept(const Token& token) { position_ = token.end; }
    /// Where the last accepted token or value ended.
    [[nodiscard]] std::size_t position() const noexcept { return position_; }

    /// Reads a value: up to a blank, a parenthesis, '&' or '|'; quotes of either kind and
    /// backslashes take those in. Fails on an open quote and where there is none, saying
    /// that `expected` was.
    Expected<Value> take_value(std::string_view expected);

private:
    [[nodiscard]] std::size_t skip_blanks(std::size_t at) const;

    const FilterSource& source_;
    std::size_t position_ = 0;
};

/// "a value, not \"…\"": for a message; long values are cut.
[[nodiscard]] std::string expected_but(std::string_view expected, std::string_view found);

} // namespace tcpledger::filter
