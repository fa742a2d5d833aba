// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One BPF ring buffer, read in place: its mapping, the record at its front, giving
// records back. Knows the kernel's layout of the mapping, not what records mean.
#pragma once

#include "base/error.hpp"
#include "base/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace tcpledger {

class RecordRing {
public:
    /// Makes a BPF_MAP_TYPE_RINGBUF of `bytes`, a power of two of pages, and maps it.
    [[nodiscard]] static Expected<RecordRing> create(std::size_t bytes);
    RecordRing(RecordRing&& other) noexcept;
    RecordRing& operator=(RecordRing&& other) noexcept;
    ~RecordRing();

    [[nodiscard]] int fd() const { return fd_.get(); }

    enum class Front {
        kEmpty,
        kBusy, ///< a program is still writing the oldest record
        kRecord,
    };
    /// What stands at the front. Passes over discarded records.
    [[nodiscard]] Front look();
    /// The record of the last look(); valid until give_back().
    [[nodiscard]] std::span<const std::byte> record() const { return record_; }
    /// Goes on to the next record.
    void pop();
    /// Tells the kernel that what was popped may be overwritten.
    void give_back();

private:
    RecordRing() = default;
    void unmap() noexcept;

    UniqueFd fd_;

    std::byte* consumer_ = nullptr; ///< page whose first word is the consumer's position
    const std::byte* producer_ =
        nullptr; ///< page whose first word is the producer's, then the data
    std::size_t bytes_ = 0;
    std::size_t page_bytes_ = 0;
    std::uint64_t position_ = 0; ///< of the front; ahead of what was given back
    std::uint64_t end_ = 0;      ///< the producer's position when it was last looked at
    std::span<const std::byte> record_;
};

} // namespace tcpledger
