// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What an audit remembers of its first look, to see in the second what has moved, and how it looks
// at the details of sockets. It judges nothing.
#pragma once

#include "netlink/namespaces.hpp"
#include "session/datagrams.hpp"
#include "session/netns_reading.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace tcpledger {

/// The settings that an audit judges.
[[nodiscard]] std::span<const char* const> audited_sysctls() noexcept;

/// What only a socket's details tell.
struct SocketMotion {
    std::uint32_t recv_queue = 0;
    std::uint64_t drops = 0;
    std::uint32_t recv_memory = 0;
    std::uint32_t recv_buffer = 0;
    std::optional<std::int64_t> consumed; ///< bytes the program has read, up to a constant
    std::optional<std::chrono::milliseconds> since_segment;
    std::optional<std::chrono::milliseconds> since_data_came;
    std::optional<std::chrono::milliseconds> since_data_went;
};

/// By cookie, which no two sockets of one namespace share.
using Motions = std::unordered_map<std::uint64_t, SocketMotion>;

[[nodiscard]] SocketMotion motion_of(const SocketRow& row, const SocketDetails& details);

/// The TCP sockets of one namespace but those in TIME_WAIT, of which nothing more is known.
[[nodiscard]] Expected<Motions> look_at_motions(const NetworkNamespace& netns);

struct FirstLook {
    std::chrono::nanoseconds at{};
    std::unordered_map<std::uint32_t, NetCounters> counters; ///< by namespace
    std::unordered_map<std::uint32_t, Motions> tcp;          ///< by namespace
    std::unordered_map<std::uint64_t, SocketMotion> udp;     ///< by inode, unique on the host
    std::vector<std::string> notes;
};

[[nodiscard]] FirstLook take_first_look(std::span<const NetworkNamespace> namespaces);

} // namespace tcpledger
