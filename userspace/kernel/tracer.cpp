// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/tracer.hpp"

#include "base/unique_fd.hpp"
#include "kernel/accepts.hpp"
#include "kernel/load_error.hpp"
#include "kernel/record_lane.hpp"
#include "kernel/record_source.hpp"
#include "kernel/resets.hpp"
#include "kernel/ring_merge.hpp"
#include "kernel/select_cases.hpp"
#include "kernel/share_stacks.hpp"
#include "tracer.skel.h"

#include "shared/events.h"
#include "shared/lane.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

namespace tcpledger {
namespace {

constexpr std::size_t kRingBytesPerCpu = 4U << 20U;
constexpr std::size_t kMinRingBytes = 8U << 20U;
constexpr std::size_t kMaxRingBytes = 64U << 20U;
/// Some 500 stacks: those of a busy second, and of a stack thread that is late.
constexpr std::size_t kStackRingBytes = 8U << 20U;

struct SkeletonDeleter {
    void operator()(tracer_bpf* skeleton) const { tracer_bpf__destroy(skeleton); }
};
/// More rings than this gain nothing: CPUs that share one rarely meet in it.
constexpr unsigned kMaxRings = 64;

/// So long before its record the time of a transition may have been read (bpf/lib/moment.bpf.h).
constexpr std::uint64_t kRecordTakesNs = 5'000;

/// One a CPU, as a power of two; CPUs that come later share.
unsigned ring_count()
{
    const long online = ::sysconf(_SC_NPROCESSORS_ONLN);
    return std::bit_ceil(static_cast<unsigned>(std::clamp(online, 1L, long{kMaxRings})));
}

/// The size of each of `rings` rings that together have `wanted` bytes.
std::size_t usable_ring_bytes(std::size_t wanted, unsigned rings)
{
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return std::bit_ceil(std::clamp(wanted / rings, page, std::size_t{1} << 30U));
}

/// Whether a plain store hands over all that was stored before it, which lanes rest on.
#if defined(__x86_64__)
constexpr bool kHasLanes = true;
#else
constexpr bool kHasLanes = false;
#endif

/// How the memory for records is shared out: to each CPU a lane for transitions and a ring for
/// all else, half as large; where there are no lanes, a ring.
struct Shares {
    std::uint32_t rings;
    std::uint32_t lanes;
    std::size_t lane_bytes;
    std::size_t ring_bytes;

    [[nodiscard]] std::uint32_t slots_per_lane() const
    {
        return static_cast<std::uint32_t>(lane_bytes / TL_SLOT_BYTES);
    }
};

Shares share_out(std::size_t wanted)
{
    const unsigned rings = ring_count();
    const std::size_t bytes =
        usable_ring_bytes(wanted != 0 ? wanted : default_ring_bytes(rings), rings);
    if (!kHasLanes) {
        return {rings, 0, 0, bytes};
    }
    return {rings, rings, bytes, usable_ring_bytes(bytes / 2, 1)};
}

Expected<std::vector<RecordRing>> make_rings(unsigned count, std::size_t bytes)
{
    std::vector<RecordRing> rings;
    while (rings.size() < count) {
        auto ring = RecordRing::create(bytes);
        if (!ring) {
            return tl::unexpected(ring.error());
        }
        rings.push_back(std::move(*ring));
    }
    return rings;
}

/// Puts the rings where the programs look for theirs. `watch` is an epoll; it becomes
/// ready when a program wakes the readers of a ring.
Expected<void> hand_over(const std::vector<RecordRing>& rings, int outer_fd, int watch)
{
    for (std::uint32_t index = 0; index < rings.size(); ++index) {
        const int fd = rings[index].fd();
        if (bpf_map_update_elem(outer_fd, &index, &fd, BPF_ANY) != 0) {
            return tl::unexpected(load_error(errno, "cannot hand a ring buffer to the programs"));
        }
        epoll_event event{};
        event.events = EPOLLIN | EPOLLET;
        if (::epoll_ctl(watch, EPOLL_CTL_ADD, fd, &event) != 0) {
            return tl::unexpected(Error::from_errno("cannot watch a ring buffer"));
        }
    }
    return {};
}

std::uint32_t possible_cpus()
{
    return static_cast<std::uint32_t>(std::max(1, libbpf_num_possible_cpus()));
}

std::uint64_t monotonic_ns()
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(now.tv_nsec);
}

} // namespace

std::size_t default_ring_bytes(unsigned cpus)
{
    return std::clamp(std::bit_ceil(std::size_t{cpus}) * kRingBytesPerCpu, kMinRingBytes,
                      kMaxRingBytes);
}

struct Tracer::Impl {
    std::unique_ptr<tracer_bpf, SkeletonDeleter> skeleton;
    Shares shares{};
    std::vector<RecordRing> rings; ///< until open() has handed them over to `sources`
    std::optional<LaneMemory> lanes;
    std::vector<RecordSource> sources;
    RingMerge<RecordSource> merge{sources};
    std::optional<Refinements> refinements;
    std::optional<Resets> resets;
    std::optional<RecordRing> stack_ring;
    std::optional<AcceptStacks> accepts;
    SocketMarks marks;
    UniqueFd wake; ///< an epoll that tells of wake-ups only: a ring itself polls readable
                   ///< as soon as it holds one record

    /// All lanes and rings, for the merge. `plain`: see LaneMemory.
    Expected<void> gather_sources(bool plain)
    {
        auto memory = LaneMemory::map(
            {bpf_map__fd(skeleton->maps.lanes), bpf_map__max_entries(skeleton->maps.lanes)},
            {bpf_map__fd(skeleton->maps.slots), bpf_map__max_entries(skeleton->maps.slots)},
            shares.slots_per_lane());
        if (!memory) {
            return tl::unexpected(memory.error());
        }
        lanes.emplace(std::move(*memory));
        lanes->set_up(shares.lanes, plain);
        for (std::uint32_t cpu = 0; cpu < shares.lanes; ++cpu) {
            sources.emplace_back(lanes->lane(cpu));
        }
        for (RecordRing& ring : rings) {
            sources.emplace_back(std::move(ring));
        }
        rings.clear();
        return {};
    }
};

Tracer::Tracer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tracer::Tracer(Tracer&&) noexcept = default;
Tracer& Tracer::operator=(Tracer&&) noexcept = default;
Tracer::~Tracer() = default;

Expected<std::unique_ptr<Tracer::Impl>> Tracer::load(const TracerOptions& options, bool with_marks)
{
    auto impl = std::make_unique<Impl>();
    impl->skeleton.reset(tracer_bpf__open());
    if (!impl->skeleton) {
        return tl::unexpected(load_error(errno, "cannot open the tracer's BPF object"));
    }
    tracer_bpf& skeleton = *impl->skeleton;
    const Shares& shares = impl->shares = share_out(options.ring_bytes);
    auto made = make_rings(shares.rings, shares.ring_bytes);
    if (!made) {
        return tl::unexpected(made.error());
    }
    impl->rings = std::move(*made);
    bpf_map__set_max_entries(skeleton.maps.records, shares.rings);
    bpf_map__set_inner_map_fd(skeleton.maps.records, impl->rings.front().fd());
    skeleton.rodata->wakeup_bytes = shares.ring_bytes / 4;
    skeleton.rodata->ring_mask = shares.rings - 1;
    bpf_map__set_max_entries(skeleton.maps.lanes, possible_cpus());
    if (shares.lanes != 0) {
        bpf_map__set_max_entries(skeleton.maps.slots, shares.lanes * shares.slots_per_lane());
    }
    skeleton.rodata->tell_farewells = options.farewells;
    skeleton.rodata->tell_bindings = options.bindings;
    select_cases(*skeleton.rodata, options.cases);
    skeleton.rodata->pass_last_acks = options.last_acks;
    skeleton.rodata->asks_process = with_marks;
    bpf_map__set_autocreate(skeleton.maps.marked, with_marks);
    if (options.stacks) {
        auto ring = RecordRing::create(kStackRingBytes);
        if (!ring) {
            return tl::unexpected(ring.error());
        }
        impl->stack_ring = std::move(*ring);
    }
    if (!share_stacks(skeleton, shared_stacks(options.stacks, impl->stack_ring))) {
        return tl::unexpected(load_error(errno, "cannot hand the ring of stacks to the programs"));
    }
    // attached by hand: a tracepoint calls programs in the order of their attaching
    bpf_program__set_autoattach(skeleton.progs.tp_btf__inet_sock_set_state_nested, false);
    if (const int result = tracer_bpf__load(&skeleton); result != 0) {
        return tl::unexpected(load_error(-result, "cannot load the tracer's BPF programs"));
    }
    return impl;
}

Expected<Tracer> Tracer::open(const TracerOptions& options)
{
    const bool asks_process = std::ranges::any_of(options.cases, names_process);
    Expected<std::unique_ptr<Impl>> loaded = load(options, asks_process);
    if (!loaded && asks_process) { // a kernel that has no storage by socket for these programs
        loaded = load(options, false);
    }
    if (!loaded) {
        return tl::unexpected(loaded.error());
    }
    std::unique_ptr<Impl> impl = std::move(*loaded);
    tracer_bpf& skeleton = *impl->skeleton;
    if (skeleton.rodata->asks_process) {
        impl->marks = {bpf_map__fd(skeleton.maps.marked), options.cases};
    }
    impl->wake = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
    if (!impl->wake.valid()) {
        return tl::unexpected(Error::from_errno("cannot watch the ring buffers"));
    }
    const auto handed =
        hand_over(impl->rings, bpf_map__fd(skeleton.maps.records), impl->wake.get());
    if (!handed) {
        return tl::unexpected(handed.error());
    }
    const bool plain = options.cases.empty() && !options.farewells && !options.bindings;
    if (const auto ready = impl->gather_sources(plain); !ready) {
        return tl::unexpected(ready.error());
    }
    // Attached first, so that no socket closes without telling what it leaves behind.
    SharedRings shared{bpf_map__fd(skeleton.maps.records),
                       bpf_map__fd(skeleton.maps.counters),
                       skeleton.rodata->wakeup_bytes,
                       skeleton.rodata->ring_mask,
                       options.cases,
                       options.bindings,
                       shared_stacks(options.stacks, impl->stack_ring)};
    if (shared.stacks.wanted()) {
        shared.stacks.shares_fd = bpf_map__fd(skeleton.maps.stack_shares);
        shared.stacks.counters_fd = bpf_map__fd(skeleton.maps.stack_counters);
    }
    auto refinements = Refinements::open(options.hooks, shared);
    if (!refinements) {
        return tl::unexpected(refinements.error());
    }
    impl->refinements.emplace(std::move(*refinements));
    if (options.stacks && !impl->refinements->tell(Tells::kAccept)) {
        impl->accepts.emplace(AcceptStacks::open(shared.stacks));
    }
    if (options.farewells) {
        impl->resets.emplace(Resets::open(shared));
    }
    if (const int result = tracer_bpf__attach(&skeleton); result != 0) {
        return tl::unexpected(load_error(-result, "cannot attach to inet_sock_set_state"));
    }
    skeleton.links.tp_btf__inet_sock_set_state_nested =
        bpf_program__attach(skeleton.progs.tp_btf__inet_sock_set_state_nested);
    if (skeleton.links.tp_btf__inet_sock_set_state_nested == nullptr) {
        return tl::unexpected(load_error(errno, "cannot attach to inet_sock_set_state once more"));
    }
    return Tracer(std::move(impl));
}

int Tracer::fd() const
{
    return impl_->wake.get();
}

std::size_t Tracer::drain(const std::function<void(const void*, std::size_t)>& record)
{
    const std::uint64_t horizon_ns = monotonic_ns();
    std::array<epoll_event, kMaxRings> wakeups{};
    (void)::epoll_wait(impl_->wake.get(), wakeups.data(), kMaxRings, 0); // takes note of them
    while (monotonic_ns() < horizon_ns + kRecordTakesNs) {
        // else a line would come out after a younger one in most drains of a busy host
    }
    return impl_->merge.drain(horizon_ns, record);
}

SocketMarks Tracer::marks() const
{
    return impl_->marks;
}

int Tracer::namespaces_fd() const
{
    return bpf_map__fd(impl_->skeleton->maps.namespaces);
}

void Tracer::believe_marks(std::uint64_t oldest_marked_cookie)
{
    impl_->skeleton->data->oldest_marked_cookie = oldest_marked_cookie;
}

TracerLosses Tracer::losses() const
{
    TracerLosses losses;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, impl_->skeleton->obj)
    {
        bpf_prog_info info{};
        std::uint32_t size = sizeof(info);
        // Where the second program was skipped, it itself was interrupted: the first ran.
        if (program != impl_->skeleton->progs.tp_btf__inet_sock_set_state_nested &&
            bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) == 0) {
            losses.recursion += info.recursion_misses;
        }
    }
    const std::uint32_t zero = 0;
    std::uint64_t caught = 0;
    std::vector<tl_counters> per_cpu(possible_cpus());
    if (bpf_map_lookup_elem(bpf_map__fd(impl_->skeleton->maps.counters), &zero, per_cpu.data()) ==
        0) {
        for (const tl_counters& counters : per_cpu) {
            losses.ring_full += counters.lost_ring_full;
            caught += counters.caught_nested;
        }
    }
    losses.recursion -= std::min(losses.recursion, caught); // read later: may include more
    losses.recursion += impl_->refinements->recursion_misses();
    losses.recursion += impl_->resets ? impl_->resets->recursion_misses() : 0;
    return losses;
}

bool Tracer::is_refined(Tells what) const
{
    return impl_->refinements->tell(what);
}

std::optional<RecordRing> Tracer::take_stack_ring()
{
    return std::exchange(impl_->stack_ring, std::nullopt);
}

tl_stack_counters Tracer::stack_counters() const
{
    return sum_stack_counters(bpf_map__fd(impl_->skeleton->maps.stack_counters));
}

ProgramTime Tracer::program_time() const
{
    bpf_prog_info info{};
    std::uint32_t size = sizeof(info);
    const bpf_program* program = impl_->skeleton->progs.tp_btf__inet_sock_set_state;
    if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) != 0) {
        return {};
    }
    return {std::chrono::nanoseconds(info.run_time_ns), info.run_cnt};
}

std::size_t Tracer::ring_bytes() const
{
    const Shares& shares = impl_->shares;
    return shares.rings * shares.ring_bytes + shares.lanes * shares.lane_bytes;
}

} // namespace tcpledger
