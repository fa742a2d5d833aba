// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A live session: the programs attached, the ledger fed, the books settled. One
// thread, the caller's, owns ring and ledger; a second one takes the censuses.
//
//   open() → attached, the first census under way
//   step() → waits at most so long, drains the ring, settles what a census found
//   seeded() → from here on the books are whole
#pragma once

#include "base/error.hpp"
#include "kernel/tracer.hpp"
#include "ledger/ledger.hpp"
#include "ledger/settlement.hpp"
#include "session/budget.hpp"
#include "session/census.hpp"
#include "session/census_thread.hpp"
#include "session/reader_priority.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tcpledger {

struct SessionOptions {
    std::size_t ring_bytes = 0; ///< 0 = by the number of CPUs
    HookMode hooks = HookMode::kAuto;
    /// The shortest time between two censuses; longer where they are dear (1 % of a CPU).
    std::chrono::milliseconds census_period{1000};
    /// The shortest time between two sweeps of mini-sockets; longer where they are dear.
    std::chrono::milliseconds sweep_period{300};
    /// Not empty: each → CLOSE comes with the socket's last figures (AppliedTransition::farewell),
    /// and this is called for accepts and resets, where the kernel can be asked for them.
    Ledger::CompanionObserver companions = {};
    /// Not empty: the kernel leaves out what fits none of these. Then the books are right for what
    /// does, and for nothing else: counts, drift and losses are not to be shown.
    std::vector<tl_case> cases = {};
    /// With cases: the TIME_WAIT of what is selected is told as soon as without.
    bool last_acks = false;
    /// Connections on the books have their mark, device and the origin of their port.
    bool bindings = false;
    /// Dwell times are kept (Ledger::dwells()).
    bool dwells = false;
    Ledger::Admits dwells_of = {};           ///< see Ledger::keep_dwells()
    std::optional<StackOptions> stacks = {}; ///< see TracerOptions
};

/// What the last census said of the session's accuracy.
struct SessionHealth {
    std::uint64_t drift = 0;        ///< differences that it found, and the last sweep of minis
    std::vector<std::string> notes; ///< what it could not see, each once
    bool repairing = false;         ///< records were lost, and the censuses that mend it go on
    /// From one census to the next: what no event tells is on the books after two.
    MonotonicTime census_interval{};
    /// From one sweep of the mini-sockets to the next.
    MonotonicTime sweep_interval{};
    /// From one list of mini-sockets, where a sweep wants one, to the next.
    MonotonicTime list_interval{};
};

class Session {
public:
    /// Called when records were lost, with their number.
    using LossObserver = std::function<void(std::uint64_t)>;

    [[nodiscard]] static Expected<std::unique_ptr<Session>>
    open(const SessionOptions& options, Ledger::Observer observer = {}, LossObserver on_loss = {});
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Waits for records until `limit` has passed or `wake_fd` (-1: none) is readable,
    /// applies what came, settles a finished census, starts the next when due.
    void step(std::chrono::milliseconds limit, int wake_fd = -1);

    [[nodiscard]] bool seeded() const { return settlement_.seeded(); }
    [[nodiscard]] const Ledger& ledger() const { return ledger_; }
    [[nodiscard]] const SessionHealth& health() const { return health_; }
    /// Lost since the session began.
    [[nodiscard]] std::uint64_t lost_total() const { return lost_total_; }

    /// See Tracer.
    [[nodiscard]] std::optional<RecordRing> take_stack_ring() { return tracer_.take_stack_ring(); }
    [[nodiscard]] tl_stack_counters stack_counters() const { return tracer_.stack_counters(); }

    /// Starts the ledger's interval counters anew.
    void begin_interval() { ledger_.begin_interval(); }

private:
    /// Shares of one CPU, see Budget. All together, with what was saved, stay below 1 % of any
    /// minute.
    static constexpr int kCensusShare = 220;
    static constexpr int kSweepShare = 250;
    static constexpr std::chrono::seconds kSavings{20};
    static constexpr std::chrono::milliseconds kListReserve{10}; ///< of it, for what is no list

    Session(Tracer tracer, SessionOptions options, Ledger::Observer observer, LossObserver on_loss);

    void wait(std::chrono::milliseconds limit, int wake_fd);
    [[nodiscard]] MonotonicTime due() const;
    void drain();
    void pause();
    void believe_marks();
    void notice_losses(MonotonicTime now);
    void pick_up();
    void settle_census(const Census& census);
    void settle_looks(const Looks& looks);
    void settle_minis(const MiniSweep& sweep);
    void start_census(MonotonicTime now);
    [[nodiscard]] MonotonicTime sweep_period() const;
    void start_looks(MonotonicTime now);
    void start_minis(MonotonicTime now);
    [[nodiscard]] MiniQuestion mini_question(MonotonicTime now);
    void ask_to_explain(MiniQuestion& question, std::chrono::nanoseconds& credit);
    void ask_half_open(MiniQuestion& question, MonotonicTime now, std::chrono::nanoseconds credit);
    /// What lists may cost at `now`.
    [[nodiscard]] std::chrono::nanoseconds list_credit(MonotonicTime now)
    {
        return sweep_budget_.credit(now) - kListReserve;
    }

    Tracer tracer_;
    SessionOptions options_;
    Ledger ledger_;
    Settlement settlement_{ledger_};
    MiniSettlement minis_{ledger_};
    LossObserver on_loss_;
    CensusThread census_thread_{tracer_.marks(), tracer_.namespaces_fd()};
    ReaderPriority priority_;
    bool believes_marks_ = false;
    bool marked_ = false; ///< the census that has been settled has marked sockets
    SessionHealth health_;
    std::uint64_t lost_total_ = 0;
    MonotonicTime census_period_ = options_.census_period;
    MonotonicTime earliest_census_{}; ///< the next, by what the last one cost
    MonotonicTime next_census_{};
    std::vector<MissedSocket> missed_; ///< by the last census, to be looked up next
    bool outdated_ = false;            ///< records were lost while this census was under way
    bool proving_ = false;             ///< this census is to prove what the last one missed
    std::uint64_t census_drift_ = 0;
    MonotonicTime next_trim_{};
    MonotonicTime next_minis_{};
    Budget sweep_budget_{kSweepShare, kSavings};
    std::map<std::uint32_t, MonotonicTime> half_open_listed_; ///< when, by namespace
    std::chrono::nanoseconds list_cost_{};                    ///< of one namespace, the last
    std::map<std::uint32_t, bool> to_explain_;                ///< see MiniReport
    std::map<std::uint32_t, bool> requests_to_list_;          ///< see MiniReport
    std::chrono::nanoseconds minis_begin_cpu_{};              ///< what the question cost
    std::size_t records_since_census_ = 0;
    int repairs_wanted_ = 0; ///< censuses still to be taken because records were lost
    MonotonicTime losses_checked_{};
    std::size_t records_since_check_ = 0;
    std::chrono::milliseconds patience_{1}; ///< of the next wait for records
    MonotonicTime drained_at_{};
    std::chrono::nanoseconds paused_cpu_{}; ///< of pauses while the present evidence is settled
};

} // namespace tcpledger
