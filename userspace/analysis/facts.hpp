// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the audit's rules judge: sockets, processes, namespaces and the host as two looks found
// them. Passive data: whoever fills it knows where it came from, the rules do not. What was not
// seen is nothing, never 0.
#pragma once

#include "base/endpoint.hpp"
#include "base/tcp_state.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tcpledger {

struct AuditProcess {
    std::uint32_t pid = 0;    ///< 0: [kernel]
    std::string comm;         ///< raw bytes
    std::string command_line; ///< raw bytes; may be empty
    std::string container;    ///< empty: in none
    std::optional<std::chrono::milliseconds> running_for;
    std::optional<std::uint64_t> descriptors_used;
    std::optional<std::uint64_t> descriptor_limit; ///< soft; nothing where there is none
    std::optional<std::uint64_t> descriptor_limit_hard;

    /// "nginx[812]". Raw bytes.
    [[nodiscard]] std::string name() const;
};

/// A counter at both looks.
struct AuditCounter {
    std::int64_t before = 0;
    std::int64_t now = 0;

    [[nodiscard]] std::int64_t moved() const noexcept { return now > before ? now - before : 0; }
};

struct AuditNetns {
    std::uint32_t inum = 0;
    std::string name;       ///< in /run/netns (untrusted bytes), else empty
    std::uint32_t pid = 0;  ///< a process inside; 0: none known
    bool own = false;       ///< commands need not enter it
    bool reachable = false; ///< an address other than loopback is up
    std::map<std::string, std::string, std::less<>> sysctls;   ///< "net.core.somaxconn" → its text
    std::map<std::string, AuditCounter, std::less<>> counters; ///< TcpExt: "ListenOverflows"

    /// The sysctl's one number.
    [[nodiscard]] std::optional<std::int64_t> number(std::string_view sysctl) const;
    /// What the counter moved by; 0 where this kernel has none.
    [[nodiscard]] std::int64_t moved(std::string_view counter) const;
};

inline constexpr std::size_t kNobody = std::numeric_limits<std::size_t>::max();

struct AuditSocket {
    FourTuple tuple;
    std::size_t netns = 0;         ///< place in AuditFacts::netns
    std::size_t process = kNobody; ///< place in AuditFacts::processes
    bool udp = false;
    TcpState state = TcpState::kClose; ///< as it is shown
    bool held = false;                 ///< a process has a descriptor of it
    bool mini = false;                 ///< TIME_WAIT or FIN_WAIT2 without a struct sock
    bool unaccepted = false;
    bool keepalive = false;        ///< the keepalive timer runs
    std::uint8_t retransmits = 0;  ///< of what is outstanding now
    std::uint32_t recv_queue = 0;  ///< bytes; LISTEN: waiting to be accepted
    std::uint32_t send_queue = 0;  ///< bytes; LISTEN: the limit of that queue
    std::uint32_t half_open = 0;   ///< LISTEN: of its address and port, siblings' included
    std::uint32_t siblings = 0;    ///< LISTEN: others at the same address and port
    std::uint32_t recv_buffer = 0; ///< bytes it may take; 0: not known
    std::uint32_t recv_memory = 0; ///< bytes of it in use
    std::uint64_t drops = 0;       ///< UDP: for want of room
    std::optional<std::uint32_t> recv_queue_before; ///< at the first look, if it was there
    std::optional<std::uint64_t> drops_before;
    /// Bytes that the program has read so far, up to a constant.
    std::optional<std::int64_t> consumed_before;
    std::optional<std::int64_t> consumed;
    /// Since a segment last came: no transition that a segment makes is younger.
    std::optional<std::chrono::milliseconds> since_segment;
    std::optional<std::chrono::milliseconds> since_data_came;
    std::optional<std::chrono::milliseconds> since_data_went;
};

struct AuditFacts {
    std::chrono::milliseconds interval{}; ///< between the looks
    std::vector<AuditNetns> netns;
    std::vector<AuditProcess> processes;
    std::vector<AuditSocket> sockets;
    /// Of the whole host; nothing where only some namespaces are looked at.
    std::optional<std::uint64_t> orphans;
    std::optional<std::uint64_t> max_orphans;
    std::optional<std::uint64_t> files;
    std::optional<std::uint64_t> max_files;
};

} // namespace tcpledger
