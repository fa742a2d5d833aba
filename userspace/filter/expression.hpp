// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A filter between the words and the steps: tests combined by and, or, not. Only the parser
// builds it, only Filter reads it; it is as deep as the parentheses (which are bounded).
#pragma once

#include "filter/predicate.hpp"

#include <vector>

namespace tcpledger::filter {

struct Expression {
    enum class Kind { kTest, kAllOf, kAnyOf };

    Kind kind = Kind::kAllOf;
    bool negated = false;
    Predicate test;                ///< of a kTest
    std::vector<Expression> parts; ///< of the others; kAllOf of nothing is true
};

} // namespace tcpledger::filter
