// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Looks at the host twice and writes down what the audit's rules judge. It judges nothing.
#pragma once

#include "analysis/facts.hpp"
#include "session/inventory.hpp"
#include "session/snapshot.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tcpledger {

struct AuditRequest {
    std::optional<std::string> netns; ///< see choose_namespaces()
    std::chrono::milliseconds interval{2000};
    /// What passes the interval; empty: sleep.
    std::function<void(std::chrono::milliseconds)> wait = {};
};

/// The second look, with what has moved since the first.
struct AuditLook {
    std::vector<NetworkNamespace> namespaces; ///< those chosen
    std::vector<NetnsReading> readings;       ///< in step with facts.netns
    std::unique_ptr<Snapshot> snapshot;       ///< of the whole host
    Inventory inventory;                      ///< the TCP listeners, not yet finished
    AuditFacts facts;
    std::vector<std::string> notes; ///< what could not be seen, for the user
};

/// Takes the interval and some more. Errors as choose_namespaces() and take_snapshot().
[[nodiscard]] Expected<AuditLook> look_twice(const AuditRequest& request);

} // namespace tcpledger
