// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Gives a skeleton its part in the maps of opening stacks. Internal to kernel/.
#pragma once

#include "kernel/stack_maps.hpp"

#include <bpf/libbpf.h>

namespace tcpledger {

/// Tells a skeleton, opened and not loaded, which stacks it is to take into which maps. Maps whose
/// descriptor is not known yet are the skeleton's own. False where a map does not fit.
template <typename Skeleton>
[[nodiscard]] bool share_stacks(Skeleton& skeleton, const SharedStacks& stacks)
{
    for (bpf_map* map :
         {skeleton.maps.stacks, skeleton.maps.stack_shares, skeleton.maps.stack_counters}) {
        bpf_map__set_autocreate(map, stacks.wanted());
    }
    if (!stacks.wanted()) {
        return true;
    }
    skeleton.rodata->want_stacks = true;
    skeleton.rodata->stacks_of_cgroup = stacks.of_cgroup;
    skeleton.rodata->stacks_of_process = stacks.of_process;
    skeleton.rodata->stacks_of_place = stacks.of_place;
    const auto reuse = [](bpf_map* map, int fd) {
        return fd < 0 || bpf_map__reuse_fd(map, fd) == 0;
    };
    return reuse(skeleton.maps.stacks, stacks.ring_fd) &&
           reuse(skeleton.maps.stack_shares, stacks.shares_fd) &&
           reuse(skeleton.maps.stack_counters, stacks.counters_fd);
}

} // namespace tcpledger
