// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The dwell times of one interval, by process. Pure. An event costs one addition to one counter;
// a process has memory of its own here only in an interval in which it had transitions, and at most
// kMostProcesses have: what is of others is kept together.
#pragma once

#include "ledger/connection.hpp"
#include "ledger/dwells.hpp"

#include <cstddef>
#include <memory>
#include <vector>

namespace tcpledger {

class DwellBook {
public:
    static constexpr std::size_t kMostProcesses = 1000;

    /// A connection of `owner` leaves `from`, in which it was for `time`.
    void note(ProcessId owner, TcpState from, TcpState to, MonotonicTime time);
    void note_accept(ProcessId owner, MonotonicTime wait);

    /// Nothing where nothing was noted, or only among the others.
    [[nodiscard]] const Dwells* of(ProcessId owner) const;
    /// Of all processes.
    [[nodiscard]] Dwells total() const;
    /// Of those that found no room.
    [[nodiscard]] const Dwells& others() const { return others_; }

    void begin_interval();

private:
    struct Entry {
        Dwells dwells;
        bool used = false; ///< in this interval
    };

    [[nodiscard]] Dwells& place_of(ProcessId owner);

    std::vector<std::unique_ptr<Entry>> by_process_; ///< by ProcessId
    std::size_t places_ = 0;
    Dwells others_;
};

} // namespace tcpledger
