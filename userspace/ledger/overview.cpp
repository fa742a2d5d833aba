// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger/overview.hpp"

#include <tsl/robin_map.h>

namespace tcpledger {
namespace {

struct Oldest {
    MonotonicTime entered = MonotonicTime::max();
    bool is_lower_bound = false;
};

/// The oldest CLOSE_WAIT of each process that has one.
tsl::robin_map<ProcessId, Oldest> oldest_close_waits(const Books& books)
{
    tsl::robin_map<ProcessId, Oldest> oldest;
    if (books.totals()[static_cast<std::size_t>(TcpState::kCloseWait)] == 0) {
        return oldest;
    }
    books.for_each([&](ConnectionId, const Connection& connection) {
        if (connection.state != TcpState::kCloseWait) {
            return;
        }
        Oldest& known = oldest[connection.owner];
        if (connection.entered < known.entered) {
            known = {connection.entered, connection.age_is_lower_bound};
        }
    });
    return oldest;
}

} // namespace

std::optional<Dwells> dwells_of(const Ledger& ledger, ProcessId process)
{
    const Dwells* dwells = ledger.dwells() != nullptr ? ledger.dwells()->of(process) : nullptr;
    return dwells != nullptr ? std::optional(*dwells) : std::nullopt;
}

std::optional<Dwells> all_dwells(const Ledger& ledger)
{
    return ledger.dwells() != nullptr ? std::optional(ledger.dwells()->total()) : std::nullopt;
}

Overview take_overview(const Ledger& ledger, MonotonicTime now)
{
    const Books& books = ledger.books();
    Overview overview;
    overview.connections = books.size();
    overview.unknown = books.processes().at(kUnknownProcess).connections;
    overview.states = books.totals();
    overview.counters = ledger.counters();
    overview.dwells = all_dwells(ledger);
    const auto oldest = oldest_close_waits(books);
    books.processes().for_each([&](ProcessId id, const Process& process) {
        if (process.connections == 0 && process.opened == 0 && process.closed == 0) {
            return;
        }
        ProcessOverview row;
        if (id != kKernelProcess && id != kUnknownProcess) {
            row.key = process.key;
        }
        row.comm = process.comm;
        row.uid = process.uid;
        row.exited = process.exited;
        row.connections = process.connections;
        row.states = process.states;
        row.opened = process.opened;
        row.closed = process.closed;
        if (const auto found = oldest.find(id); found != oldest.end()) {
            row.oldest_close_wait = now - found->second.entered;
            row.oldest_is_lower_bound = found->second.is_lower_bound;
        }
        row.dwells = dwells_of(ledger, id);
        overview.processes.push_back(std::move(row));
    });
    return overview;
}

} // namespace tcpledger
