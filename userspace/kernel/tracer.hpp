// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The programs that run on events, and the rings their records come through: one a CPU, read
// as one stream in the order of time.
#pragma once

#include "base/error.hpp"
#include "kernel/record_ring.hpp"
#include "kernel/refinements.hpp"
#include "kernel/task_file_scan.hpp"

#include "shared/selection.h"
#include "shared/stack.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace tcpledger {

struct TracerOptions {
    /// For transitions, of all CPUs together; a CPU's share is rounded up to a power of two of
    /// pages. All other records get half as much beside it. 0 = by the number of CPUs.
    std::size_t ring_bytes = 0;
    HookMode hooks = HookMode::kAuto;
    /// Each → CLOSE with the socket's last figures, and resets where they can be had.
    bool farewells = false;
    /// Of what user space would not show anyway the kernel sends nothing: what fits none of these
    /// is left out. At most TL_MAX_CASES; none: everything is sent.
    std::vector<tl_case> cases = {};
    /// With cases: also what tells of the other end's TIME_WAIT.
    bool last_acks = false;
    /// Records tell the mark, the device and the origin of the port (tl_binding).
    bool bindings = false;
    /// Opening stacks, where the kernel can take them.
    std::optional<StackOptions> stacks = {};
};

/// Records that did not reach user space since attach, by reason.
struct TracerLosses {
    std::uint64_t ring_full = 0;
    /// The program was entered while it ran on the same CPU, and the kernel skipped it; less
    /// what the second program there caught.
    std::uint64_t recursion = 0;

    [[nodiscard]] std::uint64_t total() const { return ring_full + recursion; }
};

/// What the kernel measured of the program on inet_sock_set_state while its statistics of BPF
/// programs (kernel.bpf_stats_enabled) were on.
struct ProgramTime {
    std::chrono::nanoseconds total{};
    std::uint64_t runs = 0;
};

/// What --ring-size defaults to: 4 MiB a CPU, 8 to 64 MiB.
[[nodiscard]] std::size_t default_ring_bytes(unsigned cpus);

class Tracer {
public:
    /// Loads and attaches all programs. From here on the ring fills.
    [[nodiscard]] static Expected<Tracer> open(const TracerOptions& options);
    Tracer(Tracer&&) noexcept;
    Tracer& operator=(Tracer&&) noexcept;
    ~Tracer();

    /// Becomes readable when a ring has filled past a quarter, not for each record; drain()
    /// makes it unreadable again. For poll(2).
    [[nodiscard]] int fd() const;
    /// Calls `record(data, size_bytes)` for each record written before the call, oldest first.
    /// Returns their number.
    std::size_t drain(const std::function<void(const void*, std::size_t)>& record);
    /// What was lost since attach. Reads the kernel's counters one after the other: a figure can
    /// be lower than the one before for an instant, never too high.
    [[nodiscard]] TracerLosses losses() const;
    /// Where the sockets of the processes that the cases name are to be marked. Until
    /// believe_marks() sockets without a mark pass too; a map_fd of -1: for good.
    [[nodiscard]] SocketMarks marks() const;
    /// The map of the network namespaces that records were of, for NamespaceLives.
    [[nodiscard]] int namespaces_fd() const;
    /// All their sockets are marked, but for those with a cookie up to this.
    void believe_marks(std::uint64_t oldest_marked_cookie);

    /// The ring that stacks come through (struct tl_stack), for the thread that reads it; once.
    /// Nothing where none were asked for. It polls readable when it holds one.
    [[nodiscard]] std::optional<RecordRing> take_stack_ring();
    /// Of all CPUs.
    [[nodiscard]] tl_stack_counters stack_counters() const;
    [[nodiscard]] ProgramTime program_time() const;
    [[nodiscard]] std::size_t ring_bytes() const;
    /// True if a refinement that tells this is at work.
    [[nodiscard]] bool is_refined(Tells what) const;

private:
    struct Impl;
    /// load() of the tracer's own object; `with_marks`: sockets of named processes are told apart.
    [[nodiscard]] static Expected<std::unique_ptr<Impl>> load(const TracerOptions& options,
                                                              bool with_marks);
    explicit Tracer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace tcpledger
