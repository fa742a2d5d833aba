// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The ledger's part for those who ask for whole lives: the last figures of a socket, resets.
#include "ledger/ledger.hpp"

#include "ledger/records.hpp"

#include <algorithm>

namespace tcpledger {
namespace {

std::optional<std::chrono::microseconds> measured(std::uint32_t microseconds, std::uint32_t never)
{
    return microseconds != never ? std::optional(std::chrono::microseconds(microseconds))
                                 : std::nullopt;
}

std::uint64_t less(std::uint64_t whole, std::uint64_t part)
{
    return whole - std::min(whole, part);
}

Farewell farewell_of(const tl_farewell& event)
{
    Farewell farewell;
    farewell.bytes_sent = less(event.bytes_sent, event.bytes_retransmitted);
    farewell.bytes_retransmitted = event.bytes_retransmitted;
    // tcp_rcv_nxt_update() counts up to the end of a segment's sequence numbers: with its FIN.
    const bool fin = (event.transition.flags & TL_FLAG_FIN_RECEIVED) != 0;
    farewell.bytes_received = less(event.bytes_received, fin ? 1 : 0);
    farewell.retransmits = event.retransmits;
    farewell.srtt = measured(event.srtt_us, 0);
    farewell.min_rtt = measured(event.min_rtt_us, 0xffffffffU);
    return farewell;
}

} // namespace

void Ledger::apply_farewell(const tl_farewell& event)
{
    if (event.transition.new_state != static_cast<std::uint8_t>(TcpState::kClose) ||
        event.transition.old_state == static_cast<std::uint8_t>(TcpState::kListen)) {
        ++counters_.malformed;
        return;
    }
    const Farewell farewell = farewell_of(event);
    const bool caller = (event.transition.flags & TL_FLAG_CALLER) != 0;
    apply_transition(event.transition, caller ? &event.process : nullptr, &farewell);
}

void Ledger::apply_reset(const tl_reset& event)
{
    if (event.sent > 1) {
        ++counters_.malformed;
        return;
    }
    if (companions_) {
        companions_(
            {event.sent != 0 ? Companion::Kind::kResetSent : Companion::Kind::kResetReceived,
             time_of(event.header), event.cookie,
             event.reason != TL_NO_REASON ? std::optional(event.reason) : std::nullopt});
    }
}

} // namespace tcpledger
