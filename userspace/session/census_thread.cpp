// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/census_thread.hpp"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace tcpledger {
namespace {

/// While records are lost, books and kernel are apart.
constexpr int kUrgentNice = -10;

} // namespace

CensusThread::CensusThread(SocketMarks marks, int namespaces_fd)
    : marks_(std::move(marks)), namespaces_fd_(namespaces_fd),
      done_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))
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
    if (!busy_) {
        return std::nullopt;
    }
    std::uint64_t count = 0;
    (void)!::read(done_.get(), &count, sizeof(count));
    const std::lock_guard lock(mutex_);
    if (result_) {
        busy_ = false;
    }
    return std::exchange(result_, std::nullopt);
}

CensusThread::Result CensusThread::work_on(const Request& request)
{
    if (const auto* minis = std::get_if<MiniQuestion>(&request)) {
        return sweeper_->take(*minis);
    }
    if (const auto* looks = std::get_if<LookQuestion>(&request)) {
        return sweeper_->look(*looks);
    }
    const auto& census = std::get<CensusRequest>(request);
    // Of this thread alone. Without CAP_SYS_NICE it takes its turn with all others.
    (void)::setpriority(PRIO_PROCESS, 0, census.urgent ? kUrgentNice : 0);
    Result result = taker_->take(census);
    (void)::setpriority(PRIO_PROCESS, 0, 0);
    return result;
}

void CensusThread::run()
{
    taker_ = CensusTaker::open(false, marks_);
    sweeper_.emplace(*taker_, namespaces_fd_);
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return stop_ || wanted_; });
        if (stop_) {
            return;
        }
        const Request request = *std::exchange(wanted_, std::nullopt);
        lock.unlock();
        Result result = work_on(request);
        lock.lock();
        result_ = std::move(result);
        const std::uint64_t one = 1;
        (void)!::write(done_.get(), &one, sizeof(one));
    }
}

} // namespace tcpledger
