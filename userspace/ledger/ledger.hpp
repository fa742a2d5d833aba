// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Applies the kernel's records to the books: what each transition means for a
// connection's state, owner and end. Pure: time comes with the records.
#pragma once

#include "ledger/books.hpp"
#include "ledger/dwell_book.hpp"
#include "ledger/ends.hpp"
#include "ledger/farewell.hpp"

#include "shared/events.h"

#include <cstdint>
#include <functional>
#include <map>
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
    std::uint8_t flags = 0;                         ///< TL_FLAG_* of the record
    std::uint8_t shutdown = 0;                      ///< sk_shutdown: 1 = read, 2 = write side
    /// → CLOSE where whole lives are asked for; then also of a socket that left a mini-socket
    /// behind before (refined hooks), which is no transition of the connection.
    const Farewell* farewell = nullptr;
    /// → CLOSE: the state of the mini-socket in which the connection goes on, FIN_WAIT2 or
    /// TIME_WAIT. Empty where it ends; with refined hooks such a → CLOSE is no transition.
    std::optional<TcpState> goes_on = std::nullopt;
};

/// What happened to a full socket beside its transitions.
struct Companion {
    enum class Kind : std::uint8_t { kWasAccepted, kResetSent, kResetReceived };
    Kind kind = Kind::kWasAccepted;
    MonotonicTime time{};
    std::uint64_t cookie = 0;
    std::optional<std::uint32_t> reason; ///< of a reset: the kernel's enum sk_rst_reason
};

/// Since the start of the interval.
struct LedgerCounters {
    std::uint64_t transitions = 0;
    std::uint64_t opened = 0;    ///< connect() called, or a passive connection established
    std::uint64_t closed = 0;    ///< → CLOSE of a connection (listeners not counted)
    std::uint64_t malformed = 0; ///< records whose kind, size or state is impossible
};

class Ledger {
public:
    using Observer = std::function<void(const AppliedTransition&)>;
    using CompanionObserver = std::function<void(const Companion&)>;
    /// Whether the time that a connection was in `left` is kept.
    using Admits = std::function<bool(const Connection&, const Process& owner, TcpState left)>;

    /// `observer` may be empty; it is called for each transition, after the change.
    /// `companions` likewise, for accepts and resets.
    explicit Ledger(Observer observer = {}, CompanionObserver companions = {})
        : observer_(std::move(observer)), companions_(std::move(companions))
    {
    }

    /// Decodes and applies one ring record of `size` bytes. Total: what is not
    /// exactly a record we know is counted as malformed and changes nothing.
    void apply_record(const void* data, std::size_t size);

    [[nodiscard]] Books& books() { return books_; }
    [[nodiscard]] const Books& books() const { return books_; }
    [[nodiscard]] const LedgerCounters& counters() const { return counters_; }

    /// The time of the last record applied.
    [[nodiscard]] MonotonicTime last_event() const { return event_time_; }

    /// What records tell of mini-sockets: which ones are left behind, and their moves from
    /// FIN_WAIT2 to TIME_WAIT. What they do not is concluded from transitions.
    void expect_told_minis(bool beginnings, bool moves)
    {
        minis_are_told_ = beginnings;
        moves_are_told_ = moves;
    }

    /// The most mini-sockets in TIME_WAIT and FIN_WAIT2 that the kernel makes in a namespace
    /// (tcp_max_tw_buckets): a connection that would leave one more then ends. Not bounded where
    /// `by_netns` says nothing.
    void bound_minis(std::map<std::uint32_t, std::uint64_t> by_netns)
    {
        most_minis_ = std::move(by_netns);
    }

    /// From here on the dwell times of each interval are kept. `admits` empty: of all.
    void keep_dwells(Admits admits);
    /// Nothing unless they are kept.
    [[nodiscard]] const DwellBook* dwells() const { return dwells_ ? &*dwells_ : nullptr; }

    /// Starts the interval counters anew.
    void begin_interval();

    /// What ended while a dump runs.
    [[nodiscard]] Ends& ends() { return ends_; }
    [[nodiscard]] const Ends& ends() const { return ends_; }

private:
    void apply_transition(const tl_transition& event, const tl_process* process,
                          const Farewell* farewell = nullptr);
    void apply_farewell(const tl_farewell& event);
    void apply_reset(const tl_reset& event);
    void apply_process_event(const tl_process_event& event);
    void apply_accept(const tl_transition& event, const tl_process& process);
    void apply_left_behind(const tl_transition& event);
    void apply_mini_socket(const tl_transition& event);
    void apply_netns_begin(std::uint32_t netns_inum);

    ConnectionId find_or_enter(const tl_transition& event, TcpState old_state, TcpState new_state);
    ConnectionId enter_clone(const tl_transition& event);
    ConnectionId merge_embryo(ConnectionId embryo, ConnectionId listed);
    void follow_identity(ConnectionId id, const tl_transition& event);
    void count_opening(const Connection& connection, TcpState old_state, TcpState new_state);
    void queue_at_listener(ConnectionId id, ConnectionId listener);
    void attribute(ConnectionId id, const tl_transition& event, TcpState old_state,
                   const tl_process& process);
    [[nodiscard]] std::optional<TcpState> goes_on(ConnectionId id, const tl_transition& event,
                                                  TcpState old_state) const;
    void finish(ConnectionId id, const tl_transition& event, TcpState old_state,
                std::optional<MonotonicTime> time_in_old_state);
    [[nodiscard]] bool has_room_for_mini(std::uint32_t netns_inum) const;
    void count_closing(ConnectionId id, TcpState old_state);
    void become_mini(ConnectionId id, TcpState state, MonotonicTime time);
    /// The mini-socket that the socket of this → CLOSE has left behind, or kNoConnection.
    [[nodiscard]] ConnectionId left_already(const tl_transition& event) const;
    void enter_half_open(const tl_transition& event, ConnectionId known);
    void enter_time_wait(ConnectionId id, MonotonicTime time);
    void end_mini(ConnectionId id, TcpState old_state, MonotonicTime time);
    void show(ConnectionId id, MonotonicTime time, TcpState old_state, TcpState new_state,
              std::optional<MonotonicTime> time_in_old_state);
    /// Nothing where they are not kept, or where the entry into `from` was not seen.
    void note_dwell(ConnectionId id, TcpState from, TcpState to,
                    std::optional<MonotonicTime> time_in_old_state)
    {
        if (dwells_ && time_in_old_state) {
            keep_dwell(books_.at(id), from, to, *time_in_old_state);
        }
    }
    void keep_dwell(const Connection& connection, TcpState from, TcpState to, MonotonicTime dwell);
    void note_accept_wait(ConnectionId id, MonotonicTime time);
    void leave(ConnectionId id);
    void replace_mini(const FourTuple& tuple);
    void settle_peer(const FourTuple& tuple, MonotonicTime time);

    Observer observer_;
    CompanionObserver companions_;
    Books books_;
    LedgerCounters counters_;
    MonotonicTime event_time_{}; ///< of the last record
    bool minis_are_told_ = false;
    bool moves_are_told_ = false;
    std::map<std::uint32_t, std::uint64_t> most_minis_; ///< by namespace, where known
    Ends ends_;
    std::optional<DwellBook> dwells_;
    Admits dwells_of_;
};

} // namespace tcpledger
