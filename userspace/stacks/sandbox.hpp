// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Gives up everything that a process which only computes does not need.
#pragma once

namespace tcpledger {

/// For good: no privileges, nobody's identity, 1 GiB of memory, and of the kernel only what works
/// with descriptors and memory that are already there; all else is refused with EPERM. Returns
/// false where the kernel does not let go of something.
[[nodiscard]] bool enter_sandbox();

} // namespace tcpledger
