// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/census_thread.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace tcpledger {

CensusThread::CensusThread(SocketMarks marks)
    : marks_(std::move(marks)), done_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); // signals are the main thread's
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

CensusThread::~CensusThread()
{
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void CensusThread::start(Request request)
{
    busy_ = true;
    {
        const std::lock_guard lock(mutex_);
        wanted_ = std::move(request);
    }
    changed_.notify_one();
}

std::optional<CensusThread::Result> CensusThread::pick_up()
{
    std::uint64_t count = 0;
    (void)!::read(done_.get(), &count, sizeof(count));
    const std::lock_guard lock(mutex_);
    if (result_) {
        busy_ = false;
    }
    return std::exchange(result_, std::nullopt);
}

void CensusThread::run()
{
    const CensusTaker taker = CensusTaker::open(false, marks_);
    MiniSweeper sweeper;
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return stop_ || wanted_; });
        if (stop_) {
            return;
        }
        const Request request = *std::exchange(wanted_, std::nullopt);
        lock.unlock();
        const auto* processes = std::get_if<CensusRequest>(&request);
        Result result = processes != nullptr
                            ? Result(taker.take(*processes))
                            : Result(sweeper.take(std::get<MiniQuestion>(request)));
        lock.lock();
        result_ = std::move(result);
        const std::uint64_t one = 1;
        (void)!::write(done_.get(), &one, sizeof(one));
    }
}

} // namespace tcpledger
