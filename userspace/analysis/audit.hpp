// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Judges a host's facts. Pure.
#pragma once

#include "analysis/facts.hpp"
#include "analysis/finding.hpp"

#include <vector>

namespace tcpledger {

/// All findings, the most severe first; nothing on a healthy host. docs/audit.md lists the
/// rules and why their thresholds are where they are.
[[nodiscard]] std::vector<Finding> audit(const AuditFacts& facts);

} // namespace tcpledger
