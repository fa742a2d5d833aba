// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What of a filter the kernel can decide while it dumps: the states, and inet_diag bytecode
// (INET_DIAG_BC_* of linux/inet_diag.h) for the rest. The result may let more pass than the
// filter does, never less, so whoever dumps asks Filter::matches() as well. Pure: it makes
// bytes and sends nothing.
#pragma once

#include "filter/filter.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace tcpledger {

/// What is known about the dump that will be asked for. The defaults are safe everywhere.
struct InetDiagContext {
    std::optional<std::uint32_t> netns_inum; ///< of the dump's namespace: decides `netns`
    bool mark_allowed = false;   ///< the sender has CAP_NET_ADMIN; without, the kernel says EPERM
    bool cgroup_allowed = false; ///< the kernel knows INET_DIAG_BC_CGROUP_COND (since 5.9)
};

struct InetDiagFilter {
    StateSet states = kAllStates; ///< for idiag_states
    bool selects_nothing = false; ///< no socket can match: the dump may be left out
    /// For the attribute INET_DIAG_REQ_BYTECODE; empty: send none, every socket may match.
    std::vector<std::uint8_t> bytecode;
};

/// A longer program is not sent: the kernel's check of it grows with the square.
inline constexpr std::size_t kMaximumBytecodeBytes = 16384;

/// Decided by the kernel: src, dst, sport, dport, dev, autobound, and where the context allows
/// it fwmark, cgroup, netns. `autobound` is the one test the kernel knows better (whether bind()
/// chose the port, not whether it lies in a range): as in ss, a socket must then satisfy both.
[[nodiscard]] InetDiagFilter compile_inet_diag(const Filter& filter,
                                               const InetDiagContext& context);

} // namespace tcpledger
