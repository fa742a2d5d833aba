// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The books of one moment, without tracing: a census settled into an empty ledger.
// What only events can tell (ages, owners of TIME_WAIT) is unknown in it.
#pragma once

#include "base/error.hpp"
#include "session/census.hpp"

#include <memory>

namespace tcpledger {

struct Snapshot {
    Ledger ledger;
    Census census;
};

/// kNotPermitted without the privileges to see who holds what.
[[nodiscard]] Expected<void> may_take_snapshot();

/// kNotPermitted without the privileges to see who holds what.
[[nodiscard]] Expected<std::unique_ptr<Snapshot>> take_snapshot();

} // namespace tcpledger
