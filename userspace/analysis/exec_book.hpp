// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The connection books of one command and its children: what they opened and accepted, how it
// ended, and what they never closed. Pure: it is told of transitions and of finished lives.
#pragma once

#include "base/endpoint.hpp"
#include "base/log_histogram.hpp"
#include "ledger/life_book.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

namespace tcpledger {

struct ExecFigures {
    std::uint64_t opened = 0;   ///< by connect(), the failed ones included
    std::uint64_t accepted = 0; ///< came in, and were taken
    std::uint64_t unclosed = 0; ///< closed by the end of their process alone
    std::uint64_t leaked = 0;   ///< of these, whose peer had closed before that
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
    std::map<Ending, std::uint64_t> endings;

    /// No close() of either end ended them in order.
    [[nodiscard]] std::uint64_t failed() const;
    [[nodiscard]] std::uint64_t ended_well() const;
};

class ExecBook {
public:
    /// Whether a process is the command or one of its children.
    using Belongs = std::function<bool(const Process&)>;

    explicit ExecBook(Belongs belongs) : belongs_(std::move(belongs)) {}

    void transition(const AppliedTransition& transition);
    void finished(const FinishedLife& life);
    /// The command has ended; what is still open on `books` and is its children's.
    void count_open(const Books& books);

    struct OfProcess {
        std::string comm; ///< raw bytes, the last
        ExecFigures figures;
    };

    [[nodiscard]] const ExecFigures& total() const { return total_; }
    [[nodiscard]] const std::map<ProcessKey, OfProcess>& processes() const { return processes_; }
    [[nodiscard]] const std::map<Endpoint, std::uint64_t>& remotes() const { return remotes_; }
    /// Nanoseconds; of those whose beginning was seen.
    [[nodiscard]] const LogHistogram<5>& lifetimes() const { return lifetimes_; }
    [[nodiscard]] std::size_t peak() const { return peak_; }
    [[nodiscard]] std::uint64_t still_open() const { return still_open_; }
    /// Cookies of what was left unclosed, as many as are kept.
    [[nodiscard]] const std::vector<std::uint64_t>& unclosed() const { return unclosed_; }

private:
    static constexpr std::size_t kMostUnclosed = 100'000;

    [[nodiscard]] bool is_leaked(const FinishedLife& life) const;
    void add(ExecFigures& figures, const FinishedLife& life) const;

    Belongs belongs_;
    std::map<ProcessKey, MonotonicTime>
        exits_; ///< since when their descriptors are closed for them
    ExecFigures total_;
    std::map<ProcessKey, OfProcess> processes_;
    std::map<Endpoint, std::uint64_t> remotes_; ///< of what was opened here
    LogHistogram<5> lifetimes_;
    std::unordered_set<std::uint64_t> open_; ///< cookies
    std::vector<std::uint64_t> unclosed_;
    std::size_t peak_ = 0;
    std::uint64_t still_open_ = 0;
};

} // namespace tcpledger
