// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "analysis/reuse_pool.hpp"

#include "ledger/books.hpp"

#include <algorithm>

namespace tcpledger {

std::size_t ReuseKeyHash::operator()(const ReuseKey& key) const noexcept
{
    const std::uint64_t tuple = hash_of(FourTuple{key.netns_inum, {}, key.remote});
    return std::hash<std::string>()(key.comm) ^ IntegerHash()(tuple + key.cgroup_id);
}

bool ReusePool::open(const ReuseKey& key, MonotonicTime now)
{
    const auto known = idle_.find(key);
    if (known == idle_.end()) {
        return false;
    }
    Stack& stack = known->second;
    drop_old(stack, now);
    const bool spared = !stack.empty();
    if (spared && --stack.back().count == 0) {
        stack.pop_back();
    }
    if (stack.empty()) {
        idle_.erase(known);
    }
    return spared;
}

void ReusePool::release(const ReuseKey& key, MonotonicTime now)
{
    auto known = idle_.find(key);
    if (known == idle_.end()) {
        if (idle_.size() >= kMostKeys) {
            drop_all_old(now);
        }
        if (idle_.size() >= kMostKeys) {
            return;
        }
        known = idle_.try_emplace(key).first;
    }
    Stack& stack = known->second;
    drop_old(stack, now);
    if (stack.empty() || now - stack.back().first >= std::chrono::seconds(1)) {
        stack.push_back({now, 1});
    } else {
        ++stack.back().count;
    }
}

void ReusePool::drop_old(Stack& stack, MonotonicTime now)
{
    const auto young = std::ranges::find_if(
        stack, [&](const Idle& idle) { return now - idle.first <= kKeepAlive; });
    stack.erase(stack.begin(), young);
}

/// Costs a walk, so at most one a second.
void ReusePool::drop_all_old(MonotonicTime now)
{
    if (now < next_cleaning_) {
        return;
    }
    next_cleaning_ = now + std::chrono::seconds(1);
    for (auto entry = idle_.begin(); entry != idle_.end();) {
        drop_old(entry->second, now);
        entry = entry->second.empty() ? idle_.erase(entry) : std::next(entry);
    }
}

} // namespace tcpledger
