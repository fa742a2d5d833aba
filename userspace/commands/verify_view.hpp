// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How `verify` shows a check and its verdict. It judges nothing.
#pragma once

#include "output/color.hpp"
#include "output/json.hpp"
#include "procfs/clock.hpp"
#include "verify/verifier.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace tcpledger {

/// One check as it is shown.
struct VerifyCheck {
    std::uint64_t number = 0; ///< from 1
    WallTime time;
    CheckResult result;
};

/// All checks together.
struct VerifyVerdict {
    std::uint64_t checks = 0;
    std::uint64_t compared = 0; ///< sockets, over all checks
    std::uint64_t persistent = 0;
    std::uint64_t transitions = 0; ///< applied to the books
    std::uint64_t lost = 0;
    bool sums_agree = true;
    std::chrono::nanoseconds took{};

    /// The books balance, as far as was looked.
    [[nodiscard]] bool good() const { return checks > 0 && persistent == 0 && sums_agree; }
};

/// Lines for people, each with its end: the check, then each difference that persists.
[[nodiscard]] std::string render_check(const VerifyCheck& check, const Painter& painter);
/// The table by state of the last check, then the verdict.
[[nodiscard]] std::string render_verdict(const VerifyVerdict& verdict, const Comparison& last,
                                         const Painter& painter);

void write_check(JsonWriter& json, const VerifyCheck& check);
void write_verdict(JsonWriter& json, const VerifyVerdict& verdict);

} // namespace tcpledger
