// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The commands: each opens what it needs, shows its view and says how it ended.
#pragma once

#include "commands/exit_status.hpp"
#include "commands/options.hpp"

namespace tcpledger {

[[nodiscard]] ExitStatus run(const TopOptions& options);
[[nodiscard]] ExitStatus run(const TraceOptions& options);
[[nodiscard]] ExitStatus run(const LifeOptions& options);
[[nodiscard]] ExitStatus run(const ChurnOptions& options);
[[nodiscard]] ExitStatus run(const StatesOptions& options);
[[nodiscard]] ExitStatus run(const ListOptions& options);
[[nodiscard]] ExitStatus run(const ListenOptions& options);
[[nodiscard]] ExitStatus run(const AuditOptions& options);
[[nodiscard]] ExitStatus run(const ReportOptions& options);
[[nodiscard]] ExitStatus run(const DoctorOptions& options);
[[nodiscard]] ExitStatus run(const VerifyOptions& options);
[[nodiscard]] ExitStatus run(const LeaksOptions& options);
[[nodiscard]] ExitStatus run(const ExecOptions& options);
[[nodiscard]] ExitStatus run(const StackHelperOptions& options);

} // namespace tcpledger
