// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/tracer.hpp"

#include "base/unique_fd.hpp"
#include "kernel/load_error.hpp"
#include "tracer.skel.h"

#include "shared/events.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <utility>
#include <vector>

namespace tcpledger {
namespace {

constexpr std::size_t kRingBytesPerCpu = 4U << 20U;
constexpr std::size_t kMinRingBytes = 8U << 20U;
constexpr std::size_t kMaxRingBytes = 64U << 20U;

struct SkeletonDeleter {
    void operator()(tracer_bpf* skeleton) const { tracer_bpf__destroy(skeleton); }
};
struct RingDeleter {
    void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

std::size_t usable_ring_bytes(std::size_t wanted)
{
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return std::bit_ceil(std::clamp(wanted, page, std::size_t{1} << 30U));
}

/// An epoll that becomes ready when the ring's programs wake its readers.
UniqueFd watch_wakeups(int ring_fd)
{
    UniqueFd watch(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    if (!watch.valid() || ::epoll_ctl(watch.get(), EPOLL_CTL_ADD, ring_fd, &event) != 0) {
        return {};
    }
    return watch;
}

} // namespace

std::size_t default_ring_bytes(unsigned cpus)
{
    return std::clamp(std::bit_ceil(std::size_t{cpus}) * kRingBytesPerCpu, kMinRingBytes,
                      kMaxRingBytes);
}

struct Tracer::Impl {
    std::unique_ptr<tracer_bpf, SkeletonDeleter> skeleton;
    std::unique_ptr<ring_buffer, RingDeleter> ring;
    const std::function<void(const void*, std::size_t)>* sink = nullptr;
    std::size_t ring_bytes = 0;
    UniqueFd wake; ///< an epoll that tells of wake-ups only: the ring itself polls readable
                   ///< as soon as it holds one record

    static int on_record(void* context, void* data, std::size_t size)
    {
        (*static_cast<Impl*>(context)->sink)(data, size);
        return 0;
    }
};

Tracer::Tracer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tracer::Tracer(Tracer&&) noexcept = default;
Tracer& Tracer::operator=(Tracer&&) noexcept = default;
Tracer::~Tracer() = default;

Expected<Tracer> Tracer::open(const TracerOptions& options)
{
    auto impl = std::make_unique<Impl>();
    impl->skeleton.reset(tracer_bpf__open());
    if (!impl->skeleton) {
        return tl::unexpected(load_error(errno, "cannot open the tracer's BPF object"));
    }
    tracer_bpf& skeleton = *impl->skeleton;
    const auto cpus = static_cast<unsigned>(std::max(1, libbpf_num_possible_cpus()));
    impl->ring_bytes =
        usable_ring_bytes(options.ring_bytes != 0 ? options.ring_bytes : default_ring_bytes(cpus));
    bpf_map__set_max_entries(skeleton.maps.records, static_cast<std::uint32_t>(impl->ring_bytes));
    skeleton.rodata->wakeup_bytes = impl->ring_bytes / 4;

    if (const int result = tracer_bpf__load(&skeleton); result != 0) {
        return tl::unexpected(load_error(-result, "cannot load the tracer's BPF programs"));
    }
    impl->ring.reset(ring_buffer__new(bpf_map__fd(skeleton.maps.records), &Impl::on_record,
                                      impl.get(), nullptr));
    if (!impl->ring) {
        return tl::unexpected(load_error(errno, "cannot map the ring buffer"));
    }
    impl->wake = watch_wakeups(bpf_map__fd(skeleton.maps.records));
    if (!impl->wake.valid()) {
        return tl::unexpected(Error::from_errno("cannot watch the ring buffer"));
    }
    if (const int result = tracer_bpf__attach(&skeleton); result != 0) {
        return tl::unexpected(load_error(-result, "cannot attach to inet_sock_set_state"));
    }
    return Tracer(std::move(impl));
}

int Tracer::fd() const
{
    return impl_->wake.get();
}

std::size_t Tracer::drain(const std::function<void(const void*, std::size_t)>& record)
{
    epoll_event wakeup{};
    (void)::epoll_wait(impl_->wake.get(), &wakeup, 1, 0); // takes note of it
    impl_->sink = &record;
    const int records = ring_buffer__consume(impl_->ring.get());
    impl_->sink = nullptr;
    return records > 0 ? static_cast<std::size_t>(records) : 0;
}

TracerLosses Tracer::losses() const
{
    TracerLosses losses;
    const std::uint32_t zero = 0;
    std::vector<tl_counters> per_cpu(
        static_cast<std::size_t>(std::max(1, libbpf_num_possible_cpus())));
    if (bpf_map_lookup_elem(bpf_map__fd(impl_->skeleton->maps.counters), &zero, per_cpu.data()) ==
        0) {
        for (const tl_counters& counters : per_cpu) {
            losses.ring_full += counters.lost_ring_full;
        }
    }
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, impl_->skeleton->obj)
    {
        bpf_prog_info info{};
        std::uint32_t size = sizeof(info);
        if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) == 0) {
            losses.recursion += info.recursion_misses;
        }
    }
    return losses;
}

std::size_t Tracer::ring_bytes() const
{
    return impl_->ring_bytes;
}

} // namespace tcpledger
