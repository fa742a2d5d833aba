// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/background_writer.hpp"

#include <fcntl.h>
#include <signal.h> // pthread_sigmask

#include <system_error>

namespace tcpledger {
namespace {

constexpr auto kEndLimit = std::chrono::milliseconds(100);

/// A thread inherits the mask of the one that starts it: block all, start, put back.
class AllSignalsBlocked {
public:
    AllSignalsBlocked() noexcept
    {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    AllSignalsBlocked(const AllSignalsBlocked&) = delete;
    AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;
    ~AllSignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

} // namespace

Expected<std::unique_ptr<BackgroundWriter>> BackgroundWriter::start(int fd)
{
    UniqueFd duplicate(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!duplicate.valid()) {
        return tl::unexpected(Error::from_errno("cannot duplicate the output descriptor"));
    }
    auto shared = std::make_shared<Shared>(std::move(duplicate));
    std::unique_ptr<BackgroundWriter> writer(new BackgroundWriter(shared));
    const AllSignalsBlocked blocked;
    try {
        writer->thread_ = std::thread([shared] { run(shared); });
    } catch (const std::system_error& error) {
        return tl::unexpected(
            Error::from_code(error.code().value(), "cannot start the output thread"));
    }
    return writer;
}

BackgroundWriter::~BackgroundWriter()
{
    if (!thread_.joinable()) {
        return;
    }
    shared_->abandoned = true;
    std::unique_lock lock(shared_->mutex);
    shared_->stop = true;
    shared_->changed.notify_all();
    const bool ended = shared_->changed.wait_for(lock, kEndLimit, [&] { return shared_->ended; });
    lock.unlock();
    if (ended) {
        thread_.join();
    } else {
        thread_.detach(); // stuck in write(); it holds its own share of everything it touches
    }
}

void BackgroundWriter::hand_over(std::string& bytes)
{
    if (bytes.empty()) {
        return;
    }
    shared_->waiting_bytes += bytes.size();
    {
        const std::lock_guard lock(shared_->mutex);
        if (shared_->queue.empty()) {
            shared_->queue.swap(bytes);
        } else {
            shared_->queue += bytes;
        }
    }
    shared_->changed.notify_all();
    bytes.clear();
}

std::size_t BackgroundWriter::waiting_bytes() const noexcept
{
    return shared_->waiting_bytes.load(std::memory_order_relaxed);
}

int BackgroundWriter::failure() const noexcept
{
    return shared_->failure.load(std::memory_order_relaxed);
}

bool BackgroundWriter::drain(std::chrono::milliseconds limit)
{
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait_for(lock, limit,
                              [&] { return shared_->waiting_bytes == 0 || shared_->failure != 0; });
    return shared_->waiting_bytes == 0;
}

void BackgroundWriter::run(const std::shared_ptr<Shared>& shared)
{
    std::string taken;
    std::unique_lock lock(shared->mutex);
    while (shared->failure == 0) {
        shared->changed.wait(lock, [&] { return shared->stop || !shared->queue.empty(); });
        if (shared->queue.empty()) {
            break;
        }
        taken.clear();
        taken.swap(shared->queue);
        lock.unlock();
        const int failure = shared->sink.write_all(
            taken, shared->abandoned, [&](std::size_t count) { shared->waiting_bytes -= count; });
        lock.lock();
        shared->failure = failure;
        shared->changed.notify_all();
    }
    shared->ended = true;
    shared->changed.notify_all();
}

} // namespace tcpledger
