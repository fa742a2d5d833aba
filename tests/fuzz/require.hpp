// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A promise that a fuzz target holds its subject to.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace tcpledger {

inline void require(bool holds, const char* promise)
{
    if (!holds) {
        std::fprintf(stderr, "broken promise: %s\n", promise);
        std::abort();
    }
}

} // namespace tcpledger
