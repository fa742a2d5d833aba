// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/snapshot.hpp"

#include "kernel/abilities.hpp"
#include "kernel/load_error.hpp"

namespace tcpledger {

Expected<void> may_take_snapshot()
{
    const HeldCapabilities held = held_capabilities();
    if (!held.can_trace() && !held.can_read_processes()) {
        return tl::unexpected(Error{ErrorKind::kNotPermitted, 0,
                                    "cannot see which process holds which socket",
                                    privileges_hint()});
    }
    return {};
}

Expected<std::unique_ptr<Snapshot>> take_snapshot()
{
    if (const Expected<void> permitted = may_take_snapshot(); !permitted) {
        return tl::unexpected(permitted.error());
    }
    auto snapshot = std::make_unique<Snapshot>();
    const CensusTaker taker = CensusTaker::open();
    snapshot->census = taker.take();
    if (snapshot->census.netns_inums.empty()) {
        std::string notes;
        for (const std::string& note : snapshot->census.notes) {
            notes += notes.empty() ? note : "; " + note;
        }
        return tl::unexpected(
            Error{ErrorKind::kUnsupported, 0, "cannot dump a single network namespace", notes});
    }
    Settlement settlement(snapshot->ledger);
    settlement.begin(snapshot->census.started);
    settle(settlement, snapshot->census);
    return snapshot;
}

} // namespace tcpledger
