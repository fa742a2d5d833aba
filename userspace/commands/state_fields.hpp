// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Counts by state as a JSON member: all eleven states, zeros included.
#pragma once

#include "ledger/process_table.hpp"
#include "output/json.hpp"

namespace tcpledger {

/// "states": {"ESTABLISHED": n, …}
inline void write_states(JsonWriter& json, const StateCounts& counts)
{
    json.key("states").begin_object();
    for (const TcpState state : kShownStates) {
        json.field(state_name(state), counts[static_cast<std::size_t>(state)]);
    }
    json.end_object();
}

} // namespace tcpledger
