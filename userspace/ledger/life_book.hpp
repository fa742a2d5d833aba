// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Collects what the ledger tells of each connection into one account, which is complete once it
// has ended. Pure: time comes with the records or as a parameter. It knows no output.
//
// It keeps one entry a connection that had a transition and has not ended, so it is bounded by
// what is on the ledger's books; forget_missing() sees to it after a loss.
#pragma once

#include "ledger/ending.hpp"
#include "ledger/farewell.hpp"
#include "ledger/ledger.hpp"

#include <tsl/robin_map.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>

namespace tcpledger {

/// A RST that belongs to the end of a connection.
struct Reset {
    bool sent = false;                   ///< else received
    std::optional<std::uint32_t> reason; ///< enum sk_rst_reason of the running kernel
};

/// A connection from its first event to its → CLOSE.
struct FinishedLife {
    Connection connection; ///< as it was at the end
    Process owner;
    MonotonicTime closed{};
    std::optional<MonotonicTime> duration;    ///< empty: older than the tracer
    std::optional<MonotonicTime> connect;     ///< SYN_SENT → ESTABLISHED
    std::optional<MonotonicTime> accept_wait; ///< ESTABLISHED → accept(); where that is told
    /// By state; an entry is empty where the connection was not in it or its begin was not seen.
    std::array<std::optional<MonotonicTime>, kStateSlots> time_in_state{};
    Farewell figures;
    TcpState last_state = TcpState::kEstablished;
    Ending ending = Ending::kLocal;
    ProcessEnd process_end = ProcessEnd::kLives;
    std::uint16_t error = 0; ///< sk_err
    std::optional<Reset> reset;

    [[nodiscard]] bool outgoing() const { return !connection.passive; }
};

class LifeBook {
public:
    using Finished = std::function<void(const FinishedLife&)>;

    /// A RST is told by a record of its own, just before or after → CLOSE: an end waits so long
    /// for it, and a RST longer before the end does not belong to it.
    static constexpr std::chrono::milliseconds kResetWait{20};

    explicit LifeBook(Finished finished) : finished_(std::move(finished)) {}

    void transition(const AppliedTransition& transition);
    void companion(const Companion& companion);

    /// Hands over those that ended kResetWait or longer before `now`, in the order of their ends.
    void hand_over(MonotonicTime now);
    /// All that have ended.
    void hand_over_all() { hand_over(MonotonicTime::max()); }

    /// Forgets entries of connections that are not on these books: their ends were lost.
    void forget_missing(const Books& books);

    [[nodiscard]] std::size_t size() const { return living_.size(); }

private:
    struct TimedReset {
        MonotonicTime time{};
        Reset reset;
    };
    struct Living {
        std::array<std::optional<MonotonicTime>, kStateSlots> time_in_state{};
        std::optional<MonotonicTime> established;
        std::optional<MonotonicTime> accepted;
        std::optional<TimedReset> reset;
        FirstToClose first = FirstToClose::kUnseen;
        ProcessEnd process_end = ProcessEnd::kLives;
    };
    struct Ended {
        FinishedLife life;
        EndingEvidence evidence;
    };

    static void note(Living& living, const AppliedTransition& transition);
    void finish(const AppliedTransition& transition);
    static void add_reset(Ended& ended, const Reset& reset);

    Finished finished_;
    tsl::robin_map<std::uint64_t, Living, IntegerHash> living_; ///< by cookie
    std::deque<Ended> ended_;                                   ///< by time
};

} // namespace tcpledger
