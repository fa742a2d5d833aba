// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What ended by an event while a dump runs, so that its rows do not bring it back, and which
// mini-sockets events made and ended meanwhile. Bounded: a dump may hang.
#pragma once

#include "ledger/books.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tcpledger {

/// An event made a mini-socket or ended one.
struct MiniChange {
    MonotonicTime time{};
    std::uint32_t netns_inum = 0;
    int delta = 0; ///< +1 or −1
};

class Ends {
public:
    static constexpr std::size_t kMost = 1'000'000;

    /// Forgets all; from here on it remembers, or not. Beyond `most` all counts as ended: what has
    /// not the next dump brings in.
    void remember(bool remember, std::size_t most = kMost);

    void note_end(std::uint64_t cookie);
    void note_end(const FourTuple& tuple);
    void note_mini(const FourTuple& tuple, MonotonicTime time, int delta);

    [[nodiscard]] bool ended(std::uint64_t cookie) const
    {
        return overflowed_ || cookies_.contains(cookie);
    }
    [[nodiscard]] bool ended(const FourTuple& tuple) const
    {
        return overflowed_ || tuples_.contains(hash_of(tuple));
    }
    /// Oldest first; nothing when there were too many.
    [[nodiscard]] const std::vector<MiniChange>* mini_changes() const
    {
        return overflowed_ ? nullptr : &minis_;
    }

private:
    /// Grows by each end while a dump runs; filled in the hot path.
    using Set = tsl::robin_set<std::uint64_t, IntegerHash>;

    [[nodiscard]] bool takes_more();

    bool remembers_ = false;
    bool overflowed_ = false;
    std::size_t most_ = kMost;
    Set cookies_;
    Set tuples_; ///< their hashes
    std::vector<MiniChange> minis_;
};

} // namespace tcpledger
