// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/stack_maps.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <vector>

namespace tcpledger {

SharedStacks shared_stacks(const std::optional<StackOptions>& options,
                           const std::optional<RecordRing>& ring)
{
    SharedStacks shared;
    if (options && ring) {
        shared.ring_fd = ring->fd();
        shared.of_cgroup = options->of_cgroup;
        shared.of_process = options->of_process;
        shared.of_place = options->of_place;
    }
    return shared;
}

tl_stack_counters sum_stack_counters(int map_fd)
{
    tl_stack_counters sum{};
    const std::uint32_t zero = 0;
    std::vector<tl_stack_counters> per_cpu(
        static_cast<std::size_t>(std::max(1, libbpf_num_possible_cpus())));
    if (bpf_map_lookup_elem(map_fd, &zero, per_cpu.data()) == 0) {
        for (const tl_stack_counters& counters : per_cpu) {
            sum.taken += counters.taken;
            sum.over_budget += counters.over_budget;
            sum.lost_ring_full += counters.lost_ring_full;
        }
    }
    return sum;
}

} // namespace tcpledger
