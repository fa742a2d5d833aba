// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the kernel counts of the programs of an object that were skipped.
#pragma once

#include <cstdint>

struct bpf_object;

namespace tcpledger {

/// Runs that the kernel skipped because the program ran on that CPU already, of all programs of
/// the object that are loaded.
[[nodiscard]] std::uint64_t recursion_misses_of(const bpf_object* object);

} // namespace tcpledger
