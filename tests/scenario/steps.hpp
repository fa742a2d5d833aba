// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The step tables, one a theme. A new case is a function and a line in its table.
#pragma once

#include "step.hpp"

#include <span>

namespace scenario {

std::span<const StepEntry> opening_steps();
std::span<const StepEntry> failure_steps();
std::span<const StepEntry> closing_steps();
std::span<const StepEntry> listener_steps();
std::span<const StepEntry> holder_steps();
std::span<const StepEntry> special_steps();

} // namespace scenario
