// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// yardstick: attaches the empty program to inet_sock_set_state, prints "ready" and
// sleeps until its standard input ends. The benchmark reads the program's run time
// from this process's descriptors, as it does with every other tracer.
#include "empty.skel.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

int main()
{
    const std::unique_ptr<empty_bpf, decltype(&empty_bpf__destroy)> skeleton(
        empty_bpf__open_and_load(), &empty_bpf__destroy);
    if (!skeleton || empty_bpf__attach(skeleton.get()) != 0) {
        std::fprintf(stderr, "yardstick: cannot attach the empty program: %s\n",
                     std::strerror(errno));
        return 1;
    }
    std::puts("ready");
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
    return 0;
}
