// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "filter/lexer.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace tcpledger::filter {
namespace {

constexpr std::string_view kBlanks = " \t\n\v\f\r";
constexpr std::string_view kSymbolBytes = "()&|!=<>";
constexpr std::string_view kValueEnds = " \t\n\v\f\r()&|";
constexpr std::size_t kShownValueBytes = 60;

struct Spelling {
    std::string_view text;
    TokenKind kind;
};

/// A longer one before its own beginning.
constexpr std::array kSymbols = {
    Spelling{"&&", TokenKind::kAnd},
    Spelling{"||", TokenKind::kOr},
    Spelling{"!=", TokenKind::kNotEqual},
    Spelling{"==", TokenKind::kEqual},
    Spelling{">=", TokenKind::kGreaterOrEqual},
    Spelling{"<=", TokenKind::kLessOrEqual},
    Spelling{"(", TokenKind::kOpen},
    Spelling{")", TokenKind::kClose},
    Spelling{"&", TokenKind::kAnd},
    Spelling{"|", TokenKind::kOr},
    Spelling{"!", TokenKind::kNot},
    Spelling{"=", TokenKind::kEqual},
    Spelling{"<", TokenKind::kLess},
    Spelling{">", TokenKind::kGreater},
};

constexpr std::array kWordOperators = {
    Spelling{"and", TokenKind::kAnd},           Spelling{"or", TokenKind::kOr},
    Spelling{"not", TokenKind::kNot},           Spelling{"eq", TokenKind::kEqual},
    Spelling{"ne", TokenKind::kNotEqual},       Spelling{"neq", TokenKind::kNotEqual},
    Spelling{"lt", TokenKind::kLess},           Spelling{"le", TokenKind::kLessOrEqual},
    Spelling{"leq", TokenKind::kLessOrEqual},   Spelling{"gt", TokenKind::kGreater},
    Spelling{"ge", TokenKind::kGreaterOrEqual}, Spelling{"geq", TokenKind::kGreaterOrEqual},
};

bool contains(std::string_view set, char c)
{
    return set.find(c) != std::string_view::npos;
}

} // namespace

std::size_t Lexer::skip_blanks(std::size_t at) const
{
    return std::min(source_.text().find_first_not_of(kBlanks, at), source_.text().size());
}

Token Lexer::peek() const
{
    const std::string_view text = source_.text();
    const std::size_t begin = skip_blanks(position_);
    std::size_t at = begin;
    if (at + 1 < text.size() && text[at] == '\\' && contains(kSymbolBytes, text[at + 1])) {
        ++at;
    }
    for (const Spelling& symbol : kSymbols) {
        if (text.substr(at).starts_with(symbol.text)) {
            const std::size_t end = at + symbol.text.size();
            return {symbol.kind, begin, end, text.substr(begin, end - begin)};
        }
    }
    while (at < text.size() && !contains(kBlanks, text[at]) && !contains(kSymbolBytes, text[at])) {
        ++at;
    }
    const std::string_view word = text.substr(begin, at - begin);
    if (word.empty()) {
        return {TokenKind::kEnd, begin, begin, {}};
    }
    const auto* found = std::ranges::find(kWordOperators, word, &Spelling::text);
    return {found == kWordOperators.end() ? TokenKind::kWord : found->kind, begin, at, word};
}

Expected<Value> Lexer::take_value(std::string_view expected)
{
    const std::string_view text = source_.text();
    Value value;
    value.begin = skip_blanks(position_);
    char quote = '\0';
    std::size_t quote_at = 0;
    std::size_t at = value.begin;
    for (; at < text.size() && (quote != '\0' || !contains(kValueEnds, text[at])); ++at) {
        const char c = text[at];
        if (c == '\\' && at + 1 < text.size()) {
            value.pattern += c;
            value.pattern += text[++at];
            value.text += text[at];
        } else if (c == quote) {
            quote = '\0';
        } else if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
            quote_at = at;
        } else {
            value.pattern += c;
            value.text += c;
        }
    }
    if (quote != '\0') {
        return tl::unexpected(
            source_.error_at(quote_at, std::string("the quote's other end, another ") + quote));
    }
    value.end = at;
    if (value.text.empty()) {
        const Token found = peek();
        return tl::unexpected(source_.error_at(value.begin, expected_but(expected, found.text)));
    }
    position_ = at;
    return value;
}

std::string expected_but(std::string_view expected, std::string_view found)
{
    std::string text(expected);
    if (found.empty()) {
        return text.append(", not the end");
    }
    const bool cut = found.size() > kShownValueBytes;
    return text.append(", not \"")
        .append(printable(found.substr(0, kShownValueBytes)))
        .append(cut ? "...\"" : "\"");
}

} // namespace tcpledger::filter
