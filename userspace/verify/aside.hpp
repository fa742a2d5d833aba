// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One piece of work at a time, done in a thread of its own while the caller goes on.
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <future>
#include <optional>
#include <utility>

namespace tcpledger {

template <typename Result> class Aside {
public:
    /// None may be under way. The thread has the usual priority, whatever the caller's is.
    template <typename Work> void start(Work work)
    {
        result_ = std::async(std::launch::async, [work = std::move(work)]() mutable {
            (void)::setpriority(PRIO_PROCESS, 0, 0); // of this thread alone
            return work();
        });
    }
    [[nodiscard]] bool under_way() const { return result_.valid(); }
    /// The result, once, when it is there.
    [[nodiscard]] std::optional<Result> pick_up()
    {
        if (!result_.valid() ||
            result_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
            return std::nullopt;
        }
        return result_.get();
    }

private:
    std::future<Result> result_;
};

} // namespace tcpledger
