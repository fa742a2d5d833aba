// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A share of one CPU that may be saved up and spent at once. Pure: it is told the time.
#pragma once

#include <algorithm>
#include <chrono>

namespace tcpledger {

class Budget {
public:
    /// 1/`share` of one CPU; what is not spent is kept up to that of `saved`. Begins full.
    Budget(int share, std::chrono::nanoseconds saved)
        : share_(share), most_(saved / share), credit_(most_)
    {
    }

    /// What may be spent at `now`; nothing or less: wait.
    [[nodiscard]] std::chrono::nanoseconds credit(std::chrono::nanoseconds now)
    {
        if (now > at_) {
            credit_ = std::min(most_, credit_ + (now - at_) / share_);
            at_ = now;
        }
        return credit_;
    }
    void spend(std::chrono::nanoseconds cpu) { credit_ -= cpu; }
    /// When there is something to spend again; `now` if there is.
    [[nodiscard]] std::chrono::nanoseconds next(std::chrono::nanoseconds now)
    {
        return now + std::max(-credit(now), std::chrono::nanoseconds{}) * share_;
    }

private:
    int share_;
    std::chrono::nanoseconds most_;
    std::chrono::nanoseconds credit_;
    std::chrono::nanoseconds at_{};
};

} // namespace tcpledger
