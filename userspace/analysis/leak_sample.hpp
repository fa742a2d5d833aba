// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the leak rules judge: the open connections of one moment, one after another as time goes on.
// Passive data: whoever fills it knows where it came from, the rules do not. What was not seen is
// nothing, never 0.
#pragma once

#include "base/endpoint.hpp"
#include "base/tcp_state.hpp"
#include "ledger/process_table.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace tcpledger {

using LeakTime = std::chrono::milliseconds;

/// Process 0 stands for one that nobody knows.
inline constexpr ProcessKey kNoProcess{};

/// One descriptor of a socket.
struct LeakHolder {
    ProcessKey process;
    std::uint32_t fd = 0;
};

/// The other end as it is told apart: a client here by the service it uses, what came to a
/// listener by the port it came to, for a client's port is its own affair.
struct LeakPeer {
    std::uint32_t netns_inum = 0;
    bool passive = false;
    Endpoint endpoint; ///< active: the remote one; passive: the local port, without an address

    auto operator<=>(const LeakPeer&) const = default;
};

struct LeakSocket {
    std::uint64_t cookie = 0;
    FourTuple tuple;
    TcpState state = TcpState::kEstablished; ///< as it is shown
    ProcessKey owner;
    /// Who connected or accepted it, where that is known.
    ProcessKey opener;
    bool passive = false;
    bool unaccepted = false;
    /// The owner was born after the opener had opened it, and the opener holds it no more.
    bool inherited = false;
    bool orphan = false; ///< nobody has a descriptor of it; in the accept queue nobody has one yet
    LeakTime in_state{}; ///< time in the present state, as far as it was watched
    bool in_state_is_lower_bound = false;
    std::optional<LeakTime> since_opened; ///< nothing: older than the view
    /// A dump listed it too. What only a dump tells is nothing otherwise.
    bool seen = false;
    /// No transition that a segment makes is younger.
    std::optional<LeakTime> since_segment;
    std::optional<LeakTime> since_data_came;
    std::optional<LeakTime> since_data_went;
    std::uint32_t recv_queue = 0;   ///< as the kernel tells it: an unread end of stream counts 1
    std::uint32_t first_holder = 0; ///< in LeakSample::holders
    std::uint32_t holders = 0;

    [[nodiscard]] LeakPeer peer() const noexcept
    {
        return {tuple.netns_inum, passive,
                passive ? Endpoint{IpAddress{}, tuple.local.port} : tuple.remote};
    }
};

/// What opened and closed since the view began, short-lived ones included.
struct LeakFlow {
    std::uint64_t opened = 0;
    std::uint64_t closed = 0;
    std::uint64_t answered = 0; ///< of the connect()s
};

using LeakFlows = std::map<std::pair<ProcessKey, LeakPeer>, LeakFlow>;

struct LeakSample {
    LeakTime time{}; ///< on any clock that goes on
    std::vector<LeakSocket> sockets;
    std::vector<LeakHolder> holders;
    std::vector<ProcessKey> exited;     ///< since the sample before
    std::vector<std::uint64_t> aborted; ///< cookies: ended by a reset or an error since then
};

} // namespace tcpledger
