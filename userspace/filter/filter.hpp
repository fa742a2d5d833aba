// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A filter ready to be asked, socket by socket. The expression is flattened into steps, each
// one test with the step to go to when it holds and when not, always forward: asking takes no
// recursion and no memory, and stops at the first step that settles it. It knows neither
// words (parser.hpp makes it) nor netlink (inet_diag_bytecode.hpp reads its steps).
#pragma once

#include "filter/expression.hpp"
#include "filter/state_set.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tcpledger {

/// Where a filter's walk can end.
inline constexpr std::uint32_t kAccepted = 0xffffffff;
inline constexpr std::uint32_t kRejected = 0xfffffffe;

struct FilterStep {
    filter::Predicate test;
    std::uint32_t on_true = kAccepted; ///< a later step, kAccepted or kRejected
    std::uint32_t on_false = kRejected;
    bool negated = false; ///< under an odd number of nots: a false test helps to accept
};

class Filter {
public:
    /// Matches everything.
    Filter() = default;
    /// `states`: nothing when the user gave no state filter.
    Filter(const filter::Expression& expression, std::optional<StateSet> states,
           std::vector<std::string> warnings);

    Filter(Filter&&) noexcept = default;
    Filter& operator=(Filter&&) noexcept = default;
    Filter(const Filter&) = delete;
    Filter& operator=(const Filter&) = delete;
    ~Filter() = default;

    /// The state filter, where one was given, and the expression. Allocates nothing.
    [[nodiscard]] bool matches(const SocketView& socket) const;

    /// The states to look at, by set_of(); kAllStates without a state filter. Which states
    /// a command shows then (ss hides LISTEN, TIME-WAIT, …) is the command's business.
    [[nodiscard]] StateSet states() const noexcept { return states_.value_or(kAllStates); }
    [[nodiscard]] bool has_state_filter() const noexcept { return states_.has_value(); }
    /// Neither a state filter nor an expression.
    [[nodiscard]] bool empty() const noexcept { return !states_ && steps_.empty(); }
    /// Lines for stderr: where the reading is not the one ss would take.
    [[nodiscard]] const std::vector<std::string>& warnings() const noexcept { return warnings_; }

    /// The expression without the state filter; it begins at the first, no step is accept.
    [[nodiscard]] std::span<const FilterStep> steps() const noexcept { return steps_; }

private:
    std::vector<FilterStep> steps_;
    std::optional<StateSet> states_;
    std::vector<std::string> warnings_;
};

} // namespace tcpledger
