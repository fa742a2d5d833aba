// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Takes censuses off the ledger's thread: one at a time, asked for and picked up by
// the owner, who learns from a descriptor that one is done.
#pragma once

#include "base/unique_fd.hpp"
#include "session/census.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace tcpledger {

class CensusThread {
public:
    CensusThread();
    CensusThread(const CensusThread&) = delete;
    CensusThread& operator=(const CensusThread&) = delete;
    /// Waits for a census under way.
    ~CensusThread();

    /// Starts one; none may be under way.
    void start();
    /// One was started and not yet picked up.
    [[nodiscard]] bool busy() const { return busy_; }
    /// The finished census, once.
    [[nodiscard]] std::optional<Census> pick_up();
    /// Readable when a census waits to be picked up.
    [[nodiscard]] int fd() const { return done_.get(); }

private:
    void run();

    UniqueFd done_;     ///< an eventfd
    bool busy_ = false; ///< the owner's
    std::mutex mutex_;
    std::condition_variable changed_;
    bool wanted_ = false;          ///< under mutex_
    std::optional<Census> result_; ///< under mutex_
    bool stop_ = false;            ///< under mutex_
    std::thread thread_;           // last: it uses all of the above
};

} // namespace tcpledger
