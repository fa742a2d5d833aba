// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What of a filter the kernel's programs can decide before they send an event: cases, of which
// each socket that the filter accepts fits at least one. Never the other way round: what fits a
// case is asked of the filter itself. Pure.
#pragma once

#include "filter/filter.hpp"

#include "shared/selection.h"

#include <vector>

namespace tcpledger {

/// A case that everything fits.
[[nodiscard]] tl_case any_case() noexcept;

/// What both ask at once; nothing where no socket can fit both.
[[nodiscard]] std::optional<tl_case> both(const tl_case& left, const tl_case& right) noexcept;

/// At most TL_MAX_CASES. Empty: everything may be accepted, or it takes more cases than that.
[[nodiscard]] std::vector<tl_case> cases_of(const Filter& filter);

/// What fits a case of `left` and one of `right`; empty on either side is everything, as in the
/// result.
[[nodiscard]] std::vector<tl_case> both(const std::vector<tl_case>& left,
                                        const std::vector<tl_case>& right);

/// The same without asking for a process.
[[nodiscard]] std::vector<tl_case> of_any_process(std::vector<tl_case> cases);

/// Whether one of them asks for a process: by pid, user or cgroup.
[[nodiscard]] bool ask_for_process(const std::vector<tl_case>& cases) noexcept;

} // namespace tcpledger
