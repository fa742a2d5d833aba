// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Whose opening stacks are taken, and the maps that the programs which take them share.
#pragma once

#include "kernel/record_ring.hpp"

#include "shared/stack.h"

#include <cstdint>
#include <optional>

namespace tcpledger {

/// Whose opening stacks are taken (bpf/lib/stacks.bpf.h).
struct StackOptions {
    std::uint64_t of_cgroup = 0; ///< only of processes in this cgroup; 0: of all
    /// A second, of one process and of one place in it.
    std::uint32_t of_process = 200;
    std::uint32_t of_place = 20;
};

/// The stacks of a tracer, as its programs share them; the descriptors are -1 where none are
/// wanted.
struct SharedStacks {
    int ring_fd = -1;
    int shares_fd = -1;
    int counters_fd = -1;
    std::uint64_t of_cgroup = 0;
    std::uint32_t of_process = 0;
    std::uint32_t of_place = 0;

    [[nodiscard]] bool wanted() const { return ring_fd >= 0; }
};

/// Through `ring`, if there is one; the other maps are not known yet.
[[nodiscard]] SharedStacks shared_stacks(const std::optional<StackOptions>& options,
                                         const std::optional<RecordRing>& ring);

/// What a map of tl_stack_counters holds, of all CPUs; zeros without one.
[[nodiscard]] tl_stack_counters sum_stack_counters(int map_fd);

} // namespace tcpledger
