// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Takes censuses and sweeps of mini-sockets off the ledger's thread: one at a time, asked for and
// picked up by the owner, who learns from a descriptor that one is done.
#pragma once

#include "base/unique_fd.hpp"
#include "session/census.hpp"
#include "session/mini_sweep.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

namespace tcpledger {

class CensusThread {
public:
    /// `marks`: see TaskFileScan::open(). `namespaces_fd`: see NamespaceLives::open().
    CensusThread(SocketMarks marks, int namespaces_fd);
    CensusThread(const CensusThread&) = delete;
    CensusThread& operator=(const CensusThread&) = delete;
    /// Waits for a census under way.
    ~CensusThread();

    using Request = std::variant<CensusRequest, MiniQuestion, LookQuestion>;
    using Result = std::variant<Census, MiniSweep, Looks>;

    /// Starts a census, a sweep or looks; none may be under way.
    void start(Request request);
    /// One was started and not yet picked up.
    [[nodiscard]] bool busy() const { return busy_; }
    /// What has finished, once.
    [[nodiscard]] std::optional<Result> pick_up();
    /// Readable when something waits to be picked up.
    [[nodiscard]] int fd() const { return done_.get(); }

private:
    void run();
    [[nodiscard]] Result work_on(const Request& request);

    std::optional<CensusTaker> taker_; ///< the thread's, as is the next
    std::optional<MiniSweeper> sweeper_;
    const SocketMarks marks_;
    const int namespaces_fd_;
    UniqueFd done_;     ///< an eventfd
    bool busy_ = false; ///< the owner's
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<Request> wanted_; ///< under mutex_
    std::optional<Result> result_;  ///< under mutex_
    bool stop_ = false;             ///< under mutex_
    std::thread thread_;            // last: it uses all of the above
};

} // namespace tcpledger
