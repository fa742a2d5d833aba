// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A churner in one sentence, for people. Pure.
#pragma once

#include "analysis/churn_report.hpp"

#include <chrono>
#include <string>

namespace tcpledger {

/// "curl ×412/min to 10.0.0.7:443 from cron.sh, median life 31ms: a keep-alive connection would
/// save 411 handshakes/min". Names are raw bytes.
[[nodiscard]] std::string churner_sentence(const Churner& churner,
                                           std::chrono::nanoseconds watched);

/// "curl[812]"; "curl (412 processes)" of those that have ended.
[[nodiscard]] std::string actor_text(const ChurnActor& actor, std::uint64_t processes);

} // namespace tcpledger
