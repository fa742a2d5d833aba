// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Objects at stable indexes, in chunks. The lowest chunk with room is filled
// first, and a chunk that empties gives its memory back; one is kept in reserve, lest
// a single object that comes and goes make and unmake a chunk each time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace tcpledger {

template <typename T> class Slab {
public:
    using Index = std::uint32_t;
    static constexpr Index kChunkSize = 2048;

    /// The index of a copy of `value`.
    Index insert(const T& value)
    {
        if (chunks_with_room_.empty()) {
            chunks_with_room_.insert(static_cast<Index>(chunks_.size()));
            chunks_.emplace_back();
        }
        const Index number = *chunks_with_room_.begin();
        Chunk& chunk = chunks_[number];
        if (!chunk.objects) {
            chunk = spare_.objects ? std::exchange(spare_, {}) : Chunk::make();
        }
        const std::uint16_t place = chunk.free.back();
        chunk.free.pop_back();
        if (chunk.free.empty()) {
            chunks_with_room_.erase(number);
        }
        chunk.objects[place] = value;
        ++size_;
        return number * kChunkSize + place;
    }

    /// `index` must be in use.
    void erase(Index index)
    {
        const Index number = index / kChunkSize;
        Chunk& chunk = chunks_[number];
        if (chunk.free.empty()) {
            chunks_with_room_.insert(number);
        }
        chunk.objects[index % kChunkSize] = T{};
        chunk.free.push_back(static_cast<std::uint16_t>(index % kChunkSize));
        --size_;
        if (chunk.free.size() == kChunkSize) {
            spare_ = std::exchange(chunk, {}); // the one that was spare is let go
        }
    }

    [[nodiscard]] T& operator[](Index index)
    {
        return chunks_[index / kChunkSize].objects[index % kChunkSize];
    }
    [[nodiscard]] const T& operator[](Index index) const
    {
        return chunks_[index / kChunkSize].objects[index % kChunkSize];
    }

    /// Objects in use.
    [[nodiscard]] std::size_t size() const { return size_; }

    [[nodiscard]] std::size_t memory_bytes() const
    {
        constexpr std::size_t kChunkBytes = kChunkSize * (sizeof(T) + sizeof(std::uint16_t));
        std::size_t bytes = chunks_.size() * sizeof(Chunk) + (spare_.objects ? kChunkBytes : 0);
        for (const Chunk& chunk : chunks_) {
            bytes += chunk.objects ? kChunkBytes : 0;
        }
        return bytes;
    }

    /// Calls visit(Index, const T&) for each place of the chunks in memory; free
    /// places hold a default T, which the visitor must tell from one in use.
    template <typename Visit> void for_each_place(Visit&& visit) const
    {
        for (Index number = 0; number < chunks_.size(); ++number) {
            for (Index place = 0; chunks_[number].objects && place < kChunkSize; ++place) {
                visit(number * kChunkSize + place, chunks_[number].objects[place]);
            }
        }
    }

private:
    struct Chunk {
        std::unique_ptr<T[]> objects;
        std::vector<std::uint16_t> free; ///< places; in a new chunk the lowest last

        static Chunk make()
        {
            Chunk chunk;
            chunk.objects = std::make_unique<T[]>(kChunkSize);
            chunk.free.reserve(kChunkSize);
            for (Index place = kChunkSize; place > 0; --place) {
                chunk.free.push_back(static_cast<std::uint16_t>(place - 1));
            }
            return chunk;
        }
    };

    std::vector<Chunk> chunks_;
    Chunk spare_; ///< empty of objects in use, or nothing
    std::set<Index> chunks_with_room_;
    std::size_t size_ = 0;
};

} // namespace tcpledger
