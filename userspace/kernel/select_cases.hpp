// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Puts the cases of a selection among the constants of a skeleton; what of them asks for a process.
// Internal to kernel/.
#pragma once

#include "shared/selection.h"

#include <algorithm>
#include <cstdint>
#include <span>

namespace tcpledger {

/// More than there is room for are none: everything is sent.
template <typename Constants>
void select_cases(Constants& constants, std::span<const tl_case> cases)
{
    if (cases.size() <= std::size(constants.cases)) {
        std::ranges::copy(cases, std::begin(constants.cases));
        constants.case_count = static_cast<std::uint32_t>(cases.size());
    }
}

[[nodiscard]] inline bool names_process(const tl_case& one)
{
    return one.pid != 0 || one.cgroup_id != 0 || one.has_uid != 0;
}

} // namespace tcpledger
