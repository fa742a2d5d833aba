// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Puts the cases of a selection among the constants of a skeleton. Internal to kernel/.
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

} // namespace tcpledger
