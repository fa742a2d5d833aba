// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "io_uring.hpp"

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace scenario {

namespace {

int setup_ring(io_uring_params& parameters)
{
    const auto fd = static_cast<int>(syscall(SYS_io_uring_setup, 1, &parameters));
    return fd < 0 ? -errno : fd;
}

// Where a ring's queues are mapped; unmapped at the end.
struct Mapping {
    void* at;
    std::size_t size;

    Mapping(int ring, std::size_t bytes, off_t offset)
        : at(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, offset)),
          size(bytes)
    {
    }
    ~Mapping()
    {
        if (valid()) {
            munmap(at, size);
        }
    }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    Mapping(Mapping&&) = delete;
    Mapping& operator=(Mapping&&) = delete;

    [[nodiscard]] bool valid() const { return at != MAP_FAILED; }
    [[nodiscard]] std::uint32_t* word(std::uint32_t offset) const
    {
        return reinterpret_cast<std::uint32_t*>(static_cast<std::byte*>(at) + offset);
    }
};

// Submits one entry on an empty ring and waits for its result.
int submit_and_wait(int ring, const io_uring_params& parameters, const io_uring_sqe& entry)
{
    const Mapping submission(
        ring, parameters.sq_off.array + parameters.sq_entries * sizeof(std::uint32_t),
        IORING_OFF_SQ_RING);
    const Mapping completion(ring,
                             parameters.cq_off.cqes + parameters.cq_entries * sizeof(io_uring_cqe),
                             IORING_OFF_CQ_RING);
    const Mapping entries(ring, parameters.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES);
    if (!submission.valid() || !completion.valid() || !entries.valid()) {
        return -ENOMEM;
    }
    *static_cast<io_uring_sqe*>(entries.at) = entry;
    *submission.word(parameters.sq_off.array) = 0;
    std::atomic_ref<std::uint32_t>(*submission.word(parameters.sq_off.tail))
        .store(1, std::memory_order_release);
    if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, nullptr, 0) < 0) {
        return -errno;
    }
    if (std::atomic_ref<std::uint32_t>(*completion.word(parameters.cq_off.tail))
            .load(std::memory_order_acquire) == 0) {
        return -EINTR;
    }
    return reinterpret_cast<const io_uring_cqe*>(completion.word(parameters.cq_off.cqes))->res;
}

int run_one(const io_uring_sqe& entry)
{
    io_uring_params parameters{};
    const int ring = setup_ring(parameters);
    if (ring < 0) {
        return ring;
    }
    const int result = submit_and_wait(ring, parameters, entry);
    close(ring);
    return result;
}

} // namespace

int io_uring_probe()
{
    io_uring_params parameters{};
    const int ring = setup_ring(parameters);
    return ring < 0 ? ring : close_fd(ring);
}

int io_uring_accept(int listener)
{
    io_uring_sqe entry{};
    entry.opcode = IORING_OP_ACCEPT;
    entry.fd = listener;
    entry.accept_flags = SOCK_CLOEXEC;
    return run_one(entry);
}

int io_uring_connect(const Address& address)
{
    const int fd = open_tcp(address.family());
    if (fd < 0) {
        return fd;
    }
    io_uring_sqe entry{};
    entry.opcode = IORING_OP_CONNECT;
    entry.fd = fd;
    entry.addr = reinterpret_cast<std::uint64_t>(address.get());
    entry.off = address.size;
    const int result = run_one(entry);
    return result < 0 ? result : fd;
}

} // namespace scenario
