// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Applies the kernel's records to the books: what each transition means for a
// connection's state, owner and end. Pure: time comes with the records.
#pragma once

#include "ledger/books.hpp"

#include "shared/events.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace tcpledger {

/// One applied transition, as `trace` and its kin see it. Valid during the call only.
struct AppliedTransition {
    MonotonicTime time{};
    const Connection& connection; ///< as it is after the transition, but still on the books
    const Process& owner;
    TcpState old_state;
    TcpState new_state;
    std::optional<MonotonicTime> time_in_old_state; ///< empty where the entry was not seen
    std::uint16_t error = 0;                        ///< sk_err
};

/// Since the start of the interval.
struct LedgerCounters {
    std::uint64_t transitions = 0;
    std::uint64_t opened = 0;    ///< connect() called, or a passive connection established
    std::uint64_t closed = 0;    ///< → CLOSE of a connection (listeners not counted)
    std::uint64_t malformed = 0; ///< records whose kind, size or state is impossible
};

/// An event made a mini-socket or ended one.
struct MiniChange {
    MonotonicTime time{};
    std::uint32_t netns_inum = 0;
    int delta = 0; ///< +1 or −1
};

class Ledger {
public:
    static constexpr std::size_t kMaxRememberedEnds = 1'000'000;

    using Observer = std::function<void(const AppliedTransition&)>;

    /// `observer` may be empty; it is called for each transition, after the change.
    explicit Ledger(Observer observer = {}) : observer_(std::move(observer)) {}

    /// Decodes and applies one ring record of `size` bytes. Total: what is not
    /// exactly a record we know is counted as malformed and changes nothing.
    void apply_record(const void* data, std::size_t size);

    [[nodiscard]] Books& books() { return books_; }
    [[nodiscard]] const Books& books() const { return books_; }
    [[nodiscard]] const LedgerCounters& counters() const { return counters_; }

    /// The time of the last transition applied.
    [[nodiscard]] MonotonicTime last_event() const { return event_time_; }

    /// Starts the interval counters anew.
    void begin_interval();

    /// While a dump runs: remember what ends, so that its rows do not bring it back. Beyond
    /// `limit` ends (a dump that hangs) all counts as ended: the next dump brings in what is not.
    void remember_ends(bool remember, std::size_t limit = kMaxRememberedEnds);
    [[nodiscard]] bool ended(std::uint64_t cookie) const;
    [[nodiscard]] bool ended(const FourTuple& tuple) const;
    /// The mini-sockets made and ended by events since remember_ends(true); nothing when there
    /// were more than are remembered.
    [[nodiscard]] const std::vector<MiniChange>* mini_changes() const;

private:
    /// Grows by each end while a dump runs; filled in the hot path.
    using Ended = tsl::robin_set<std::uint64_t, IntegerHash>;

    void apply_transition(const tl_transition& event, const tl_process* process);
    void apply_process_event(const tl_process_event& event);

    ConnectionId find_or_enter(const tl_transition& event, TcpState old_state, TcpState new_state);
    ConnectionId enter_clone(const tl_transition& event);
    ConnectionId merge_embryo(ConnectionId embryo, ConnectionId listed);
    void follow_identity(ConnectionId id, const tl_transition& event);
    void count_opening(ConnectionId id, TcpState old_state, TcpState new_state);
    void queue_at_listener(ConnectionId id, ConnectionId listener);
    void attribute(ConnectionId id, const tl_transition& event, TcpState old_state,
                   const tl_process& process);
    void finish(ConnectionId id, const tl_transition& event, TcpState old_state);
    void leave(ConnectionId id);
    void replace_mini(const FourTuple& tuple);
    void settle_peer(const FourTuple& tuple, MonotonicTime time);

    Observer observer_;
    Books books_;
    LedgerCounters counters_;
    void note_mini(const FourTuple& tuple, int delta);
    [[nodiscard]] bool remembers();

    MonotonicTime event_time_{}; ///< of the event being applied
    bool remember_ends_ = false;
    bool ends_overflowed_ = false;
    std::size_t max_ends_ = kMaxRememberedEnds;
    std::vector<MiniChange> mini_changes_;
    Ended ended_cookies_;
    Ended ended_tuples_; ///< their hashes
};

} // namespace tcpledger
