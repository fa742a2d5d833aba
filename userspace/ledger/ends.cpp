// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger/ends.hpp"

#include <algorithm>

namespace tcpledger {

void Ends::remember(bool remember, std::size_t most)
{
    *this = Ends();
    remembers_ = remember;
    most_ = most;
}

bool Ends::takes_more()
{
    if (!remembers_ || overflowed_) {
        return false;
    }
    if (std::max({cookies_.size(), tuples_.size(), minis_.size()}) >= most_) {
        remember(true, most_);
        overflowed_ = true;
        return false;
    }
    return true;
}

void Ends::note_end(std::uint64_t cookie)
{
    if (takes_more()) {
        cookies_.insert(cookie);
    }
}

void Ends::note_end(const FourTuple& tuple)
{
    if (takes_more()) {
        tuples_.insert(hash_of(tuple));
    }
}

void Ends::note_mini(const FourTuple& tuple, MonotonicTime time, int delta)
{
    if (takes_more()) {
        minis_.push_back({time, tuple.netns_inum, delta});
    }
}

} // namespace tcpledger
