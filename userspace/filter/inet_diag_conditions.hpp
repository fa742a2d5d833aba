// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One test of a filter as the conditions that inet_diag knows. How they are strung together
// is inet_diag_bytecode.cpp's part.
#pragma once

#include "filter/inet_diag_bytecode.hpp"
#include "filter/predicate.hpp"

#include <cstdint>
#include <vector>

namespace tcpledger::filter {

enum class Decision {
    kByKernel,
    kTrue,
    kFalse,
    kUnknown, ///< the kernel cannot tell
};

[[nodiscard]] Decision decide(const Predicate& test, const InetDiagContext& context);

/// Several conditions of which one must hold, or, `inverted`, one that must not.
struct InetDiagConditions {
    /// Each an instruction with its argument; the jumps (bytes 1 to 3) are still 0.
    std::vector<std::vector<std::uint8_t>> any_of;
    bool inverted = false;
};

/// Of a test that decide() leaves to the kernel; empty for any other.
[[nodiscard]] InetDiagConditions inet_diag_conditions(const Predicate& test);

} // namespace tcpledger::filter
