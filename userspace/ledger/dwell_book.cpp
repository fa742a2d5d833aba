// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger/dwell_book.hpp"

namespace tcpledger {

void Dwells::merge(const Dwells& other)
{
    for (std::size_t at = 0; at < states.size(); ++at) {
        states[at].merge(other.states[at]);
    }
    connect.merge(other.connect);
    accept_wait.merge(other.accept_wait);
}

void Dwells::clear()
{
    for (DwellHistogram& histogram : states) {
        histogram.clear();
    }
    connect.clear();
    accept_wait.clear();
}

void DwellBook::note(ProcessId owner, TcpState from, TcpState to, MonotonicTime time)
{
    if (from == TcpState::kListen) {
        return; // a listener's life says nothing of connections
    }
    Dwells& dwells = place_of(owner);
    const std::uint64_t value = value_of(time);
    dwells.in(shown_state(from)).add(value);
    if (from == TcpState::kSynSent && to == TcpState::kEstablished) {
        dwells.connect.add(value);
    }
}

void DwellBook::note_accept(ProcessId owner, MonotonicTime wait)
{
    place_of(owner).accept_wait.add(value_of(wait));
}

const Dwells* DwellBook::of(ProcessId owner) const
{
    const bool known = owner < by_process_.size() && by_process_[owner] && by_process_[owner]->used;
    return known ? &by_process_[owner]->dwells : nullptr;
}

Dwells DwellBook::total() const
{
    Dwells total = others_;
    for (const auto& entry : by_process_) {
        if (entry && entry->used) {
            total.merge(entry->dwells);
        }
    }
    return total;
}

void DwellBook::begin_interval()
{
    others_.clear();
    for (auto& entry : by_process_) {
        if (!entry) {
            continue;
        }
        if (entry->used) {
            entry->dwells.clear();
            entry->used = false;
        } else {
            entry.reset();
            --places_;
        }
    }
}

Dwells& DwellBook::place_of(ProcessId owner)
{
    if (owner >= by_process_.size()) {
        by_process_.resize(owner + 1);
    }
    auto& entry = by_process_[owner];
    if (!entry) {
        if (places_ == kMostProcesses) {
            return others_;
        }
        entry = std::make_unique<Entry>();
        ++places_;
    }
    entry->used = true;
    return entry->dwells;
}

} // namespace tcpledger
