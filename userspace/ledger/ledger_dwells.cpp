// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The ledger's part for those who ask for dwell times.
#include "ledger/ledger.hpp"

#include "ledger/records.hpp"

#include <algorithm>
#include <utility>

namespace tcpledger {

void Ledger::keep_dwells(Admits admits)
{
    dwells_.emplace();
    dwells_of_ = std::move(admits);
}

void Ledger::keep_dwell(const Connection& connection, TcpState from, TcpState to,
                        MonotonicTime dwell)
{
    if (!dwells_of_ || dwells_of_(connection, books_.processes().at(connection.owner), from)) {
        dwells_->note(connection.owner, from, to, dwell);
    }
}

/// Of one that has left ESTABLISHED meanwhile, from the end of the handshake's clone on: that is
/// microseconds more.
void Ledger::note_accept_wait(ConnectionId id, MonotonicTime time)
{
    const Connection& connection = books_.at(id);
    if (!dwells_ || connection.opened == MonotonicTime{} ||
        connection.state == TcpState::kSynRecv) {
        return;
    }
    const bool stays = connection.state == TcpState::kEstablished;
    const MonotonicTime since = stays ? connection.entered : connection.opened;
    if (!dwells_of_ ||
        dwells_of_(connection, books_.processes().at(connection.owner), TcpState::kEstablished)) {
        dwells_->note_accept(connection.owner, std::max(time - since, MonotonicTime::zero()));
    }
}

} // namespace tcpledger
