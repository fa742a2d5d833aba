// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Where the audit's findings begin, and why there. docs/audit.md says the same to users.
#pragma once

#include <chrono>
#include <cstdint>

namespace tcpledger::thresholds {

/// As many of a kind in one place are a habit, not an accident: CLOSE_WAIT, FIN_WAIT2, unread
/// sockets of one process, unanswered SYNs to one remote. A client's pool of idle connections,
/// whose stale ones wait for the next use, keeps fewer.
inline constexpr std::uint64_t kPile = 5;

/// Idle connections without keepalive: pools of this size exist by design only.
inline constexpr std::uint64_t kIdlePile = 10;

/// Half-open connections that may just be clients in the middle of their handshake.
inline constexpr std::uint64_t kHandshakes = 8;

/// Where a bounded thing is near its bound, in percent.
inline constexpr std::uint64_t kNearPercent = 75;
inline constexpr std::uint64_t kAlmostPercent = 90;

/// connect() tries the ports of one parity first: once half of them are taken, each call walks
/// through the taken half (inet_hash_connect).
inline constexpr std::uint64_t kPortsPercent = 50;

/// A listener's SYN queue, against its backlog: the next burst as large fills it.
inline constexpr std::uint64_t kHalfOpenPercent = 50;

/// From a quarter of tcp_max_orphans on, the kernel resets some orphans early: it counts those
/// that make no progress up to fourfold (tcp_out_of_resources).
inline constexpr std::uint64_t kOrphansPercent = 25;

/// Stuck sockets that take this much of a process's descriptors will take the rest.
inline constexpr std::uint64_t kDescriptorsTakenPercent = 50;

/// A receive buffer this full closes the window to what is left.
inline constexpr std::uint64_t kBufferPercent = 50;

/// Unread for so long: a program that is merely busy has come round.
inline constexpr std::chrono::milliseconds kUnread{5'000};

/// Where a sysctl is not known.
inline constexpr std::int64_t kFinTimeoutS = 60;
inline constexpr std::int64_t kKeepaliveTimeS = 7200;
inline constexpr std::int64_t kUnprivilegedPort = 1024;

} // namespace tcpledger::thresholds
