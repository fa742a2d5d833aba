// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The exit statuses, and how an error becomes one.
#pragma once

#include "base/error.hpp"

namespace tcpledger {

enum class ExitStatus : int {
    kDone = 0,
    kFailed = 1,
    kUsage = 2,
    kCannot = 3, ///< not permitted, or the kernel cannot
    kFinding = 4,
};

/// Says the error on stderr and gives the status it stands for.
[[nodiscard]] ExitStatus fail(const Error& error);

} // namespace tcpledger
