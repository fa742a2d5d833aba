// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "filter/parser.hpp"

#include "filter/precedence.hpp"
#include "filter/vocabulary.hpp"

#include <utility>

namespace tcpledger {
namespace filter {
namespace {

constexpr std::string_view kStatesExpected =
    "a state (established, time-wait, …) or all, connected, synchronized, bucket or big";

bool is_state_clause(std::string_view word)
{
    return word == "state" || word == "exclude" || word == "excl";
}

bool is_comparison(TokenKind kind)
{
    switch (kind) {
    case TokenKind::kEqual:
    case TokenKind::kNotEqual:
    case TokenKind::kLess:
    case TokenKind::kLessOrEqual:
    case TokenKind::kGreater:
    case TokenKind::kGreaterOrEqual:
        return true;
    case TokenKind::kEnd:
    case TokenKind::kOpen:
    case TokenKind::kClose:
    case TokenKind::kAnd:
    case TokenKind::kOr:
    case TokenKind::kNot:
    case TokenKind::kWord:
        break;
    }
    return false;
}

bool begins_term(TokenKind kind)
{
    return kind == TokenKind::kOpen || kind == TokenKind::kNot || kind == TokenKind::kWord;
}

/// The comparison of an operator that is one; kNotEqual becomes kEqual, to be negated.
Comparison comparison_of(TokenKind kind)
{
    switch (kind) {
    case TokenKind::kLess:
        return Comparison::kLess;
    case TokenKind::kLessOrEqual:
        return Comparison::kLessOrEqual;
    case TokenKind::kGreater:
        return Comparison::kGreater;
    case TokenKind::kGreaterOrEqual:
        return Comparison::kGreaterOrEqual;
    case TokenKind::kEqual:
    case TokenKind::kNotEqual:
    case TokenKind::kEnd:
    case TokenKind::kOpen:
    case TokenKind::kClose:
    case TokenKind::kAnd:
    case TokenKind::kOr:
    case TokenKind::kNot:
    case TokenKind::kWord:
        break;
    }
    return Comparison::kEqual;
}

/// A list of one is that one.
Expression combine(Expression::Kind kind, std::vector<Expression> parts)
{
    if (parts.size() == 1) {
        return std::move(parts.front());
    }
    Expression expression;
    expression.kind = kind;
    expression.parts = std::move(parts);
    return expression;
}

class Parser {
public:
    Parser(const FilterSource& source, const Names& names)
        : source_(source), names_(names), lexer_(source)
    {
    }

    Expected<Filter> parse()
    {
        auto states = parse_states();
        if (!states) {
            return tl::unexpected(std::move(states.error()));
        }
        if (lexer_.peek().kind == TokenKind::kEnd) {
            return Filter(Expression{}, *states, {});
        }
        if (*states && lexer_.peek().kind == TokenKind::kAnd) {
            lexer_.accept(lexer_.peek());
        }
        auto expression = parse_list(0);
        if (!expression) {
            return tl::unexpected(std::move(expression.error()));
        }
        if (const Token rest = lexer_.peek(); rest.kind != TokenKind::kEnd) {
            return fail(rest, rest.kind == TokenKind::kClose
                                  ? "a \"(\" somewhere before this \")\""
                                  : "and, or, another predicate or the end");
        }
        return Filter(*expression, *states, std::move(warnings_));
    }

private:
    [[nodiscard]] tl::unexpected<Error> fail(const Token& token, std::string_view expected) const
    {
        return tl::unexpected(source_.error_at(token.begin, expected));
    }

    Expected<std::optional<StateSet>> parse_states()
    {
        std::optional<StateSet> states;
        for (Token clause = lexer_.peek(); is_state_clause(clause.text); clause = lexer_.peek()) {
            lexer_.accept(clause);
            const Token word = lexer_.peek();
            const auto named = parse_state_set(word.text);
            if (!named) {
                return fail(word, expected_but(kStatesExpected, word.text));
            }
            lexer_.accept(word);
            states = clause.text == "state" ? states.value_or(0) | *named
                                            : states.value_or(kAllStates) & ~*named;
            if (*states == 0) {
                return fail(word, "some state to be left, none is");
            }
        }
        if (const Token next = lexer_.peek(); states && next.kind == TokenKind::kOr) {
            return fail(next, "a predicate: states are not part of the expression, "
                              "what follows them is joined by and");
        }
        return states;
    }

    /// Conjunctions joined by or, up to what cannot continue them.
    Expected<Expression> parse_list(unsigned depth)
    {
        std::vector<Expression> alternatives;
        std::vector<Expression> conjunction;
        std::vector<ListPart> parts;
        for (bool after_or = false;;) {
            const std::size_t begin = lexer_.peek().begin;
            auto term = parse_term(depth);
            if (!term) {
                return term;
            }
            parts.push_back({begin, lexer_.position(), after_or});
            if (after_or) {
                alternatives.push_back(
                    combine(Expression::Kind::kAllOf, std::exchange(conjunction, {})));
            }
            conjunction.push_back(*std::move(term));

            const Token next = lexer_.peek();
            after_or = next.kind == TokenKind::kOr;
            if (after_or || next.kind == TokenKind::kAnd) {
                lexer_.accept(next);
            } else if (!begins_term(next.kind)) {
                break;
            }
        }
        alternatives.push_back(combine(Expression::Kind::kAllOf, std::move(conjunction)));
        if (warnings_.empty()) {
            if (auto warning = precedence_warning(source_.text(), parts)) {
                warnings_.push_back(*std::move(warning));
            }
        }
        return combine(Expression::Kind::kAnyOf, std::move(alternatives));
    }

    Expected<Expression> parse_term(unsigned depth)
    {
        bool negated = false;
        Token token = lexer_.peek();
        for (; token.kind == TokenKind::kNot; token = lexer_.peek()) {
            lexer_.accept(token);
            negated = !negated;
        }
        auto expression = token.kind == TokenKind::kOpen ? parse_parentheses(token, depth)
                                                         : parse_predicate(token);
        if (expression) {
            expression->negated = expression->negated != negated;
        }
        return expression;
    }

    Expected<Expression> parse_parentheses(const Token& open, unsigned depth)
    {
        if (depth == kMaximumFilterDepth) {
            return fail(open, "at most " + std::to_string(kMaximumFilterDepth) +
                                  " parentheses inside each other");
        }
        lexer_.accept(open);
        auto expression = parse_list(depth + 1);
        if (!expression) {
            return expression;
        }
        const Token close = lexer_.peek();
        if (close.kind != TokenKind::kClose) {
            return fail(close, expected_but("and, or, another predicate or \")\"", close.text));
        }
        lexer_.accept(close);
        return expression;
    }

    Expected<Expression> parse_predicate(const Token& token)
    {
        const PredicateWord* word =
            token.kind == TokenKind::kWord ? find_predicate(token.text) : nullptr;
        if (word == nullptr) {
            return fail(token, predicate_expected(token));
        }
        lexer_.accept(token);

        Value value;
        Comparison comparison = Comparison::kEqual;
        Expression expression;
        expression.kind = Expression::Kind::kTest;
        if (word->takes != Takes::kNothing) {
            const Token operation = lexer_.peek();
            if (is_comparison(operation.kind)) {
                lexer_.accept(operation);
                comparison = comparison_of(operation.kind);
                expression.negated = operation.kind == TokenKind::kNotEqual;
            }
            if (comparison != Comparison::kEqual && word->takes == Takes::kEquality) {
                return fail(operation, "= or != after " + std::string(word->word));
            }
            auto taken = lexer_.take_value(word->value);
            if (!taken) {
                return tl::unexpected(std::move(taken.error()));
            }
            value = *std::move(taken);
        }
        auto test = word->parse(value, comparison, names_);
        if (!test) {
            return tl::unexpected(source_.error_at(value.begin, test.error()));
        }
        expression.test = *std::move(test);
        return expression;
    }

    static std::string predicate_expected(const Token& token)
    {
        if (is_state_clause(token.text)) {
            return "a predicate: " + std::string(token.text) + " comes first, as in ss, " +
                   "before the expression";
        }
        if (token.kind == TokenKind::kWord && parse_state_set(token.text)) {
            return "a predicate, or \"state " + std::string(token.text) + "\" before all others";
        }
        return expected_but("a predicate (" + predicate_words() + ")", token.text);
    }

    const FilterSource& source_;
    const Names& names_;
    Lexer lexer_;
    std::vector<std::string> warnings_;
};

} // namespace
} // namespace filter

Expected<Filter> parse_filter(std::span<const std::string> words, const Names& names)
{
    const filter::FilterSource source(words);
    if (source.text().size() > kMaximumFilterBytes) {
        return tl::unexpected(source.error_at(kMaximumFilterBytes,
                                              "the end: a filter has at most " +
                                                  std::to_string(kMaximumFilterBytes) + " bytes"));
    }
    if (source.text().find_first_not_of(" \t\n\v\f\r") == std::string_view::npos) {
        return Filter();
    }
    return filter::Parser(source, names).parse();
}

} // namespace tcpledger
