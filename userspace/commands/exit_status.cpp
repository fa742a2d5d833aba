// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/exit_status.hpp"

#include <spdlog/spdlog.h>

namespace tcpledger {

ExitStatus fail(const Error& error)
{
    spdlog::error("{}", error.message());
    switch (error.kind) {
    case ErrorKind::kFailed:
        return ExitStatus::kFailed;
    case ErrorKind::kUsage:
        return ExitStatus::kUsage;
    case ErrorKind::kNotPermitted:
    case ErrorKind::kUnsupported:
        return ExitStatus::kCannot;
    }
    return ExitStatus::kFailed;
}

} // namespace tcpledger
