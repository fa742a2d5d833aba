// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Finds connections by a hash of what names them; the names themselves stay in the connections.
// Eight bytes a place where a library's table that keeps hashes has twelve, with a key of its own
// twenty-four: what misses the cache here was a sixth of the reader's time in a churn.
#pragma once

#include "ledger/connection.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace tcpledger {

/// Open addressing, linear probing, at most half full. Gives the memory of a burst back.
class ConnectionIndex {
public:
    /// `id` must not be in it. Of several with one hash, find() asks for each.
    void insert(std::uint32_t hash, ConnectionId id)
    {
        if (2 * (size_ + 1) > places_.size()) {
            resize(2 * places_.size());
        }
        ++size_;
        place({hash, id});
    }

    /// The place of `id`, which has this hash; nothing if it is not in it.
    void erase(std::uint32_t hash, ConnectionId id)
    {
        std::size_t hole = hash & mask();
        while (places_[hole].id != id) {
            if (places_[hole].id == kNoConnection) {
                return;
            }
            hole = next(hole);
        }
        // Whoever would not be found any more for the hole before it moves into it.
        for (std::size_t at = next(hole); places_[at].id != kNoConnection; at = next(at)) {
            const std::size_t home = places_[at].hash & mask();
            if (((at - home) & mask()) >= ((at - hole) & mask())) {
                places_[hole] = places_[at];
                hole = at;
            }
        }
        places_[hole] = {};
        --size_;
        if (places_.size() > kFewest && 16 * size_ < places_.size()) {
            resize(places_.size() / 4);
        }
    }

    /// The one with this hash for which is(ConnectionId) holds, or kNoConnection.
    template <typename Is> [[nodiscard]] ConnectionId find(std::uint32_t hash, Is&& is) const
    {
        for (std::size_t at = hash & mask(); places_[at].id != kNoConnection; at = next(at)) {
            if (places_[at].hash == hash && is(places_[at].id)) {
                return places_[at].id;
            }
        }
        return kNoConnection;
    }

    template <typename Visit> void for_each(Visit&& visit) const
    {
        for (const Place& place : places_) {
            if (place.id != kNoConnection) {
                visit(place.id);
            }
        }
    }

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t memory_bytes() const { return places_.capacity() * sizeof(Place); }

private:
    struct Place {
        std::uint32_t hash = 0;
        ConnectionId id = kNoConnection; ///< kNoConnection: free
    };
    static constexpr std::size_t kFewest = 1024;

    [[nodiscard]] std::size_t mask() const { return places_.size() - 1; }
    [[nodiscard]] std::size_t next(std::size_t at) const { return (at + 1) & mask(); }

    void place(Place what)
    {
        std::size_t at = what.hash & mask();
        while (places_[at].id != kNoConnection) {
            at = next(at);
        }
        places_[at] = what;
    }

    void resize(std::size_t places)
    {
        for (const Place& old : std::exchange(places_, std::vector<Place>(places))) {
            if (old.id != kNoConnection) {
                place(old);
            }
        }
    }

    std::vector<Place> places_ = std::vector<Place>(kFewest); ///< a power of two of them
    std::size_t size_ = 0;
};

} // namespace tcpledger
