// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// SOCK_DESTROY, as `ss -K` does it.
#pragma once

#include "net.hpp"

namespace scenario {

/// Destroys the socket of the caller's namespace with these addresses; 0 or -errno
/// (ENOENT without the diag modules, EOPNOTSUPP without CONFIG_INET_DIAG_DESTROY).
int destroy_socket(const SocketFacts& facts);

} // namespace scenario
