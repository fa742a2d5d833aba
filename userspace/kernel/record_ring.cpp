// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/record_ring.hpp"

#include "kernel/load_error.hpp"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace tcpledger {
namespace {

/// The positions are words that the kernel's side stores with release order.
std::uint64_t load_position(const std::byte* word)
{
    return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(word), __ATOMIC_ACQUIRE);
}

std::uint32_t load_length(const std::byte* header)
{
    return __atomic_load_n(reinterpret_cast<const std::uint32_t*>(header), __ATOMIC_ACQUIRE);
}

/// What a record occupies, header included: records begin at multiples of 8.
std::uint64_t stride(std::uint32_t length)
{
    constexpr std::uint32_t kFlags = BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT;
    return ((std::uint64_t{length} & ~std::uint64_t{kFlags}) + BPF_RINGBUF_HDR_SZ + 7) & ~7ULL;
}

} // namespace

Expected<RecordRing> RecordRing::create(std::size_t bytes)
{
    RecordRing ring;
    ring.fd_ = UniqueFd(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "record_ring", 0, 0,
                                       static_cast<std::uint32_t>(bytes), nullptr));
    if (!ring.fd_.valid()) {
        return tl::unexpected(load_error(errno, "cannot make a ring buffer"));
    }
    const int fd = ring.fd_.get();
    ring.bytes_ = bytes;
    ring.page_bytes_ = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* consumer = ::mmap(nullptr, ring.page_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (consumer == MAP_FAILED) {
        return tl::unexpected(Error::from_errno("cannot map a ring buffer"));
    }
    ring.consumer_ = static_cast<std::byte*>(consumer);
    // The data appear twice in a row, so that no record is ever cut at the end.
    void* producer = ::mmap(nullptr, ring.page_bytes_ + 2 * bytes, PROT_READ, MAP_SHARED, fd,
                            static_cast<off_t>(ring.page_bytes_));
    if (producer == MAP_FAILED) {
        return tl::unexpected(Error::from_errno("cannot map a ring buffer's data"));
    }
    ring.producer_ = static_cast<const std::byte*>(producer);
    ring.position_ = load_position(ring.consumer_);
    ring.end_ = ring.position_;
    return ring;
}

RecordRing::RecordRing(RecordRing&& other) noexcept
    : fd_(std::move(other.fd_)), consumer_(std::exchange(other.consumer_, nullptr)),
      producer_(std::exchange(other.producer_, nullptr)), bytes_(other.bytes_),
      page_bytes_(other.page_bytes_), position_(other.position_), end_(other.end_),
      record_(std::exchange(other.record_, {}))
{
}

RecordRing& RecordRing::operator=(RecordRing&& other) noexcept
{
    if (this != &other) {
        unmap();
        fd_ = std::move(other.fd_);
        consumer_ = std::exchange(other.consumer_, nullptr);
        producer_ = std::exchange(other.producer_, nullptr);
        bytes_ = other.bytes_;
        page_bytes_ = other.page_bytes_;
        position_ = other.position_;
        end_ = other.end_;
        record_ = std::exchange(other.record_, {});
    }
    return *this;
}

RecordRing::~RecordRing()
{
    unmap();
}

void RecordRing::unmap() noexcept
{
    if (consumer_ != nullptr) {
        ::munmap(consumer_, page_bytes_);
        consumer_ = nullptr;
    }
    if (producer_ != nullptr) {
        ::munmap(const_cast<std::byte*>(producer_), page_bytes_ + 2 * bytes_);
        producer_ = nullptr;
    }
}

RecordRing::Front RecordRing::look()
{
    for (;;) {
        if (position_ == end_) {
            end_ = load_position(producer_);
        }
        if (position_ == end_) {
            return Front::kEmpty;
        }
        const std::byte* header = producer_ + page_bytes_ + (position_ & (bytes_ - 1));
        const std::uint32_t length = load_length(header);
        if ((length & BPF_RINGBUF_BUSY_BIT) != 0) {
            return Front::kBusy;
        }
        if ((length & BPF_RINGBUF_DISCARD_BIT) == 0) {
            record_ = {header + BPF_RINGBUF_HDR_SZ, length};
            return Front::kRecord;
        }
        position_ += stride(length);
    }
}

void RecordRing::pop()
{
    position_ += stride(static_cast<std::uint32_t>(record_.size()));
    record_ = {};
}

void RecordRing::give_back()
{
    __atomic_store_n(reinterpret_cast<std::uint64_t*>(consumer_), position_, __ATOMIC_RELEASE);
}

} // namespace tcpledger
