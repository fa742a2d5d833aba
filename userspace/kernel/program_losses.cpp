// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/program_losses.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace tcpledger {

std::uint64_t recursion_misses_of(const bpf_object* object)
{
    std::uint64_t misses = 0;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object)
    {
        bpf_prog_info info{};
        std::uint32_t size = sizeof(info);
        const int fd = bpf_program__fd(program);
        if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0) {
            misses += info.recursion_misses;
        }
    }
    return misses;
}

} // namespace tcpledger
