// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The shell's patterns, for names of processes and containers. Case counts. Bounded time
// (pattern × text), no allocation, any bytes.
#pragma once

#include <string_view>

namespace tcpledger::filter {

/// `*` any run, `?` any byte, `[a-z]` and `[!a-z]` one of a set, `\` takes the next byte
/// literally; a `[` without its `]` is itself. A text equal to the pattern always matches,
/// so that `[kernel]` finds "[kernel]".
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text) noexcept;

} // namespace tcpledger::filter
