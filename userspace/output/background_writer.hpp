// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A thread that does nothing but write, so that nobody else ever waits for a reader. It
// does not know what lines are, nor how much may wait: LineStream decides that.
#pragma once

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "output/fd_sink.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace tcpledger {

class BackgroundWriter {
public:
    /// Starts the thread on a duplicate of `fd`. All signals are blocked in it.
    [[nodiscard]] static Expected<std::unique_ptr<BackgroundWriter>> start(int fd);

    BackgroundWriter(const BackgroundWriter&) = delete;
    BackgroundWriter& operator=(const BackgroundWriter&) = delete;
    /// Abandons what is still queued.
    ~BackgroundWriter();

    /// Queues `bytes` and empties it. Never waits for the reader.
    void hand_over(std::string& bytes);

    /// Bytes handed over and not yet written.
    [[nodiscard]] std::size_t waiting_bytes() const noexcept;

    /// 0, or the errno that ended the writing.
    [[nodiscard]] int failure() const noexcept;

    [[nodiscard]] bool reader_gone() const noexcept { return shared_->sink.reader_gone(); }

    /// Waits until all is written or writing failed, at most `limit`; true when all is written.
    bool drain(std::chrono::milliseconds limit);

private:
    /// Lives as long as the later of the two threads: one that is stuck in write() is left behind.
    struct Shared {
        explicit Shared(UniqueFd duplicate) : fd(std::move(duplicate)), sink(fd.get()) {}

        UniqueFd fd;
        FdSink sink;
        std::atomic<std::size_t> waiting_bytes{0};
        std::atomic<int> failure{0};
        std::atomic<bool> abandoned{false};
        std::mutex mutex;
        std::condition_variable changed;
        std::string queue;  ///< under mutex
        bool stop = false;  ///< under mutex
        bool ended = false; ///< under mutex
    };

    explicit BackgroundWriter(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
    static void run(const std::shared_ptr<Shared>& shared);

    std::shared_ptr<Shared> shared_;
    std::thread thread_;
};

} // namespace tcpledger
