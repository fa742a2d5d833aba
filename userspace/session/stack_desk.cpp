// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/stack_desk.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <utility>

namespace tcpledger {
namespace {

using Steady = std::chrono::steady_clock;

/// Of all programs together: some 10 % of a CPU at most.
constexpr std::size_t kMostASecond = 1000;
constexpr int kNice = -10;
constexpr std::size_t kMostOpenings = 1'000'000;
constexpr std::size_t kMostStacks = 20'000;

void block_signals()
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

} // namespace

StackDesk::StackDesk(RecordRing ring, StackProgramsOptions options)
    : ring_(std::move(ring)), programs_(options), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { run(); })
{
}

StackDesk::~StackDesk()
{
    stop_ = true;
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof(one));
    thread_.join();
}

void StackDesk::run()
{
    block_signals();
    // It has little to do, but must have read a program's mappings before that has ended.
    (void)::setpriority(PRIO_PROCESS, 0, kNice); // of this thread
    programs_.prepare();
    constexpr int kPatience = 1000;
    while (!stop_) {
        std::array<pollfd, 2> fds = {{{ring_.fd(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
        const bool naming = names_pending();
        if (::poll(fds.data(), fds.size(), naming ? 0 : kPatience) < 0) {
            continue;
        }
        std::uint64_t count = 0;
        (void)!::read(wake_.get(), &count, sizeof(count));
        drain();
        if (naming) {
            name_one();
        }
    }
}

void StackDesk::drain()
{
    while (!stop_ && ring_.look() == RecordRing::Front::kRecord) {
        const auto bytes = ring_.record();
        if (bytes.size() == sizeof(tl_stack)) {
            take(*reinterpret_cast<const tl_stack*>(bytes.data()));
        }
        ring_.pop();
        ring_.give_back();
    }
}

bool StackDesk::within_rate()
{
    const auto now = Steady::now();
    if (now - rate_since_ >= std::chrono::seconds(1)) {
        rate_since_ = now;
        rate_taken_ = 0;
    }
    return rate_taken_++ < kMostASecond;
}

void StackDesk::take(const tl_stack& record)
{
    const bool taken = within_rate();
    auto unwinding = taken ? programs_.unwind(record) : std::nullopt;
    const std::scoped_lock lock(mutex_);
    if (!unwinding) {
        (taken ? figures_.failed : figures_.left_out) += 1;
        return;
    }
    const std::optional<StackId> id = enter(std::move(*unwinding));
    if (!id || openings_.size() >= kMostOpenings) {
        ++figures_.left_out;
        return;
    }
    ++figures_.unwound;
    openings_.insert_or_assign(record.cookie, Opening{*id, record.time_ns});
}

std::optional<StackId> StackDesk::enter(StackPrograms::Unwinding unwinding)
{
    const auto [known, is_new] =
        ids_.try_emplace({unwinding.program, unwinding.unwound.addresses}, StackId{0});
    if (!is_new) {
        return known->second;
    }
    if (stacks_.size() >= kMostStacks) {
        ids_.erase(known);
        return std::nullopt;
    }
    known->second = static_cast<StackId>(stacks_.size());
    stacks_.push_back({unwinding.program, std::move(unwinding.unwound), nullptr});
    return known->second;
}

void StackDesk::name_one()
{
    std::unique_lock lock(mutex_);
    if (to_name_.empty()) {
        return;
    }
    const StackId id = to_name_.front();
    to_name_.pop_front();
    if (stacks_[id].named) {
        return;
    }
    naming_ = true;
    const auto program = stacks_[id].program;
    const Unwound unwound = stacks_[id].unwound;
    lock.unlock(); // it takes as long as it takes
    auto named = std::make_shared<const Stack>(programs_.name(program, unwound));
    lock.lock();
    stacks_[id].named = std::move(named);
    naming_ = false;
}

std::optional<StackId> StackDesk::stack_of(std::uint64_t cookie) const
{
    const std::scoped_lock lock(mutex_);
    const auto found = openings_.find(cookie);
    return found != openings_.end() ? std::optional(found->second.stack) : std::nullopt;
}

void StackDesk::forget(std::chrono::nanoseconds opened_before,
                       const std::function<bool(std::uint64_t)>& open)
{
    const auto before = static_cast<std::uint64_t>(opened_before.count());
    const std::scoped_lock lock(mutex_);
    for (auto at = openings_.begin(); at != openings_.end();) {
        const bool gone = at->second.time_ns < before && !open(at->first);
        at = gone ? openings_.erase(at) : std::next(at);
    }
}

void StackDesk::ask_names(std::span<const StackId> ids)
{
    const std::scoped_lock lock(mutex_);
    for (const StackId id : ids) {
        if (id < stacks_.size() && !stacks_[id].named &&
            std::ranges::find(to_name_, id) == to_name_.end()) {
            to_name_.push_back(id);
        }
    }
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof(one));
}

bool StackDesk::names_pending() const
{
    const std::scoped_lock lock(mutex_);
    return naming_ || !to_name_.empty();
}

std::shared_ptr<const Stack> StackDesk::named(StackId id) const
{
    const std::scoped_lock lock(mutex_);
    return id < stacks_.size() ? stacks_[id].named : nullptr;
}

StackFigures StackDesk::figures() const
{
    const std::scoped_lock lock(mutex_);
    return figures_;
}

} // namespace tcpledger
