// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What libbpf says goes to our log at debug level, and its last words are kept
// for error messages.
#pragma once

#include <string>

namespace tcpledger {

/// Routes libbpf's messages; call once before the first use of libbpf.
void route_libbpf_messages();

/// The warnings libbpf gave since the last call, on this thread; empties them.
[[nodiscard]] std::string take_libbpf_warnings();

} // namespace tcpledger
