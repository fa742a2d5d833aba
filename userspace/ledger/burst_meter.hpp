// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tells when far more happens than usual: the rate of the last tenth of a second beside the one
// that the last ten seconds have made usual. Pure: told the time of each event.
#pragma once

#include "ledger/connection.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace tcpledger {

/// Where a burst begins or is over.
struct BurstMark {
    MonotonicTime time{};
    bool begins = true;
    double per_s = 0;         ///< begin: in the window
    double usual_per_s = 0;   ///< before it
    std::uint64_t events = 0; ///< end: of the burst, those of the window that began it included
    MonotonicTime lasted{};   ///< end: so long
};

class BurstMeter {
public:
    static constexpr std::chrono::milliseconds kWindow{100};
    /// A burst begins above so many times the usual rate, and is over below kOver times.
    static constexpr double kBegin = 8.0;
    static constexpr double kOver = 2.0;
    /// Fewer events in a window are no burst, however quiet it was.
    static constexpr std::uint64_t kFewest = 100;
    /// What is usual forgets with this time constant: a new level is usual after about as long.
    static constexpr std::chrono::seconds kMemory{10};
    /// Nothing is usual yet before so much has been seen.
    static constexpr std::chrono::seconds kLearning{2};

    /// An event; a mark stands before it. Times may go back a little.
    std::optional<BurstMark> note(MonotonicTime time);
    /// That so much time has passed without one.
    std::optional<BurstMark> pass(MonotonicTime now);

    [[nodiscard]] bool bursting() const { return begun_.has_value(); }
    [[nodiscard]] double usual_per_s() const { return usual_; }

private:
    static constexpr std::size_t kSlots = 10; ///< of the window
    static constexpr MonotonicTime kSlot = MonotonicTime(kWindow) / kSlots;

    void advance(std::int64_t slot);
    void learn();
    [[nodiscard]] double rate() const;
    std::optional<BurstMark> over(MonotonicTime now);

    std::array<std::uint32_t, kSlots> slots_{};
    std::int64_t slot_ = -1; ///< the newest; -1: nothing seen
    std::int64_t first_ = 0;
    std::uint64_t in_window_ = 0;
    double usual_ = 0;
    std::optional<MonotonicTime> begun_;
    std::uint64_t events_ = 0; ///< of the burst
};

} // namespace tcpledger
