// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The least of io_uring that accepts and connects, by its system calls alone.
#pragma once

#include "net.hpp"

namespace scenario {

/// 0 if rings can be had, else -errno (ENOSYS, EPERM by sysctl).
int io_uring_probe();
/// accept() through a ring of its own; the descriptor or -errno.
int io_uring_accept(int listener);
/// socket() and, through a ring, connect(); the descriptor or -errno.
int io_uring_connect(const Address& address);

} // namespace scenario
