// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger/burst_meter.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tcpledger {
namespace {

constexpr double kWindowSeconds = std::chrono::duration<double>(BurstMeter::kWindow).count();

} // namespace

double BurstMeter::rate() const
{
    return static_cast<double>(in_window_) / kWindowSeconds;
}

/// One slot further, with the rate of the window that ends there.
void BurstMeter::learn()
{
    static const double kShare = 1.0 - std::exp(-std::chrono::duration<double>(kSlot) /
                                                std::chrono::duration<double>(kMemory));
    usual_ += (rate() - usual_) * kShare;
}

void BurstMeter::advance(std::int64_t slot)
{
    if (slot_ < 0) {
        slot_ = first_ = slot;
        return;
    }
    // Beyond that nothing is left of either.
    constexpr std::int64_t kForgotten = 20 * kMemory / kSlot;
    if (slot - slot_ > kForgotten) {
        slots_ = {};
        in_window_ = 0;
        usual_ = 0;
        slot_ = slot;
    }
    while (slot_ < slot) {
        learn();
        ++slot_;
        std::uint32_t& oldest = slots_[static_cast<std::size_t>(slot_) % kSlots];
        in_window_ -= std::exchange(oldest, 0);
    }
}

std::optional<BurstMark> BurstMeter::over(MonotonicTime now)
{
    if (!begun_ || rate() >= kOver * usual_) {
        return std::nullopt;
    }
    BurstMark mark{now, false, 0, usual_, events_, now - *begun_};
    begun_.reset();
    return mark;
}

std::optional<BurstMark> BurstMeter::note(MonotonicTime time)
{
    std::optional<BurstMark> mark = pass(time);
    ++slots_[static_cast<std::size_t>(slot_) % kSlots];
    ++in_window_;
    events_ += begun_ ? 1U : 0U;
    if (!mark && !begun_ && slot_ - first_ >= kLearning / kSlot && in_window_ >= kFewest &&
        rate() > kBegin * usual_) {
        mark = BurstMark{time, true, rate(), usual_, 0, {}};
        begun_ = time;
        events_ = in_window_;
    }
    return mark;
}

std::optional<BurstMark> BurstMeter::pass(MonotonicTime now)
{
    advance(std::max(slot_, now / kSlot));
    return over(now);
}

} // namespace tcpledger
