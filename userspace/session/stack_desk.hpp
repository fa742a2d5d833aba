// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The stacks with which sockets were opened: a thread of its own takes them off their ring, has
// them unwound at once and named when somebody asks, so that the thread that reads the records
// never waits for a stack. Everything here may be called from another thread than that.
#pragma once

#include "base/stack.hpp"
#include "base/unique_fd.hpp"
#include "kernel/record_ring.hpp"
#include "session/stack_programs.hpp"

#include <tsl/robin_map.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <tuple>
#include <vector>

namespace tcpledger {

/// Stands for one distinct stack of one program.
using StackId = std::uint32_t;

struct StackFigures {
    std::uint64_t unwound = 0;
    /// The program was gone, or its files could not be read.
    std::uint64_t failed = 0;
    /// More came than are unwound in a second, or there is no room for more.
    std::uint64_t left_out = 0;
};

class StackDesk {
public:
    StackDesk(RecordRing ring, StackProgramsOptions options);
    StackDesk(const StackDesk&) = delete;
    StackDesk& operator=(const StackDesk&) = delete;
    ~StackDesk();

    /// The stack that the socket was opened with; nothing: it was not taken.
    [[nodiscard]] std::optional<StackId> stack_of(std::uint64_t cookie) const;
    /// Forgets sockets opened before `opened_before` (CLOCK_MONOTONIC) that are not `open`.
    void forget(std::chrono::nanoseconds opened_before,
                const std::function<bool(std::uint64_t cookie)>& open);

    /// Has these named; named() has them when names_pending() is false.
    void ask_names(std::span<const StackId> ids);
    [[nodiscard]] bool names_pending() const;
    /// Null: not named yet.
    [[nodiscard]] std::shared_ptr<const Stack> named(StackId id) const;

    [[nodiscard]] StackFigures figures() const;

private:
    struct Opening {
        StackId stack = 0;
        std::uint64_t time_ns = 0;
    };
    struct Distinct {
        StackPrograms::Number program = 0;
        Unwound unwound;
        std::shared_ptr<const Stack> named;
    };
    struct CookieHash {
        std::size_t operator()(std::uint64_t cookie) const noexcept
        {
            return cookie * 0x9e3779b97f4a7c15U;
        }
    };

    void run();
    void drain();
    void take(const tl_stack& record);
    [[nodiscard]] bool within_rate();
    [[nodiscard]] std::optional<StackId> enter(StackPrograms::Unwinding unwinding);
    void name_one();

    // Of the thread.
    RecordRing ring_;
    StackPrograms programs_;
    std::map<std::pair<StackPrograms::Number, std::vector<std::uint64_t>>, StackId> ids_;
    std::chrono::steady_clock::time_point rate_since_{};
    std::size_t rate_taken_ = 0;

    UniqueFd wake_; ///< an eventfd
    std::atomic<bool> stop_ = false;
    mutable std::mutex mutex_;                                    ///< of what follows
    tsl::robin_map<std::uint64_t, Opening, CookieHash> openings_; ///< by cookie
    std::vector<Distinct> stacks_;                                ///< by id
    std::deque<StackId> to_name_;
    bool naming_ = false;
    StackFigures figures_;

    std::thread thread_;
};

} // namespace tcpledger
