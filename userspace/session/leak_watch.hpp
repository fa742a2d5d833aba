// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Brings the running ledger and a look at the kernel together into the samples that the leak rules
// judge, and counts what opens and closes in between. It judges nothing.
#pragma once

#include "analysis/leak_sample.hpp"
#include "ledger/ledger.hpp"
#include "procfs/clock.hpp"
#include "session/leak_look.hpp"

#include <tsl/robin_map.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace tcpledger {

class LeakWatch {
public:
    /// Whether a connection is looked at; `age` in its present state.
    using Selected = std::function<bool(const Connection&, const Process&, MonotonicTime age)>;

    /// `begun`: what the clocks said when the view began. `selected` may be empty: all are.
    LeakWatch(const ClockReading& begun, Selected selected)
        : begun_(begun), selected_(std::move(selected))
    {
    }

    /// To be told each transition.
    void observe(const AppliedTransition& transition);

    /// What is on the books, with what `look` has seen of it. Forgets what had happened before.
    [[nodiscard]] LeakSample sample(const LeakLook& look, const Books& books);

    [[nodiscard]] const LeakFlows& flows() const { return flows_; }

private:
    /// Beyond so many, those of no open connection are forgotten.
    static constexpr std::size_t kManyFlows = 50'000;
    static constexpr std::size_t kMostAborted = 200'000;

    /// What the books forget when a connection changes hands.
    struct Origin {
        ProcessKey opener;
        bool passive = false;
    };

    [[nodiscard]] bool is_selected(const Connection& connection, const Process& owner,
                                   MonotonicTime age) const;
    void count(const AppliedTransition& transition, bool passive);
    [[nodiscard]] const Origin& origin_of(const Connection& connection, const Books& books);
    [[nodiscard]] bool is_born_later(const ProcessKey& process, const Connection& connection) const;
    [[nodiscard]] bool is_inherited(const Connection& connection, const ProcessKey& holder,
                                    const ProcessKey& opened_by, const Books& books) const;
    void settle_owner(LeakSocket& socket, const Connection& connection,
                      std::span<const CensusHolder> holders, const Books& books);
    void forget_flows(const LeakSample& sample);

    ClockReading begun_;
    Selected selected_;
    LeakFlows flows_;
    tsl::robin_map<std::uint64_t, Origin, IntegerHash> origins_; ///< by cookie
    std::vector<std::uint64_t> aborted_;
};

} // namespace tcpledger
