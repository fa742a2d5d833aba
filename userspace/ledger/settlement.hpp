// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Settles the books against independent evidence: the rows of a socket dump and
// the descriptors of all processes. Events tell what changed; only evidence tells
// what was there before, who holds what, and when a mini-socket is gone.
//
// Evidence is older than the events applied by the time it is merged (the caller
// drains the ring first), so an event since the sweep began always wins. More may be
// applied between any two calls.
#pragma once

#include "ledger/ledger.hpp"

#include <tsl/robin_map.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <vector>

namespace tcpledger {

/// One row of a socket dump.
struct SocketEvidence {
    FourTuple tuple;
    std::uint64_t cookie = 0;
    std::uint32_t inode = 0; ///< 0: no process holds it, or a mini-socket
    std::uint8_t family = 0; ///< AF_INET or AF_INET6, of the socket
    TcpState state = TcpState::kClose;
    std::uint32_t mark = 0;
    std::uint32_t interface_index = 0;
};

/// One descriptor of a TCP socket.
struct HolderEvidence {
    std::uint64_t cookie = 0;
    std::uint64_t sock = 0; ///< address of the struct sock; 0 = not known
    ProcessFacts process;
    PortOrigin port_origin = PortOrigin::kUnknown;
};

/// What a sweep covered. What it did not cover is left as it was.
struct SweepCoverage {
    std::span<const std::uint32_t> netns_inums; ///< dumped without error or interruption
    bool holders = false;                       ///< descriptors were looked at
    bool full_sockets = true;                   ///< false: mini-sockets only were asked for
    std::uint32_t mini_states = ~0U;            ///< 1 << state: mini-sockets in these were listed
    bool nothing_skipped = false; ///< as many mini-sockets were listed as the kernel counts
    bool every_netns = true;   ///< false: a namespace that is not named here may exist all the same
    bool every_process = true; ///< none was hidden: what nobody holds is the kernel's
    std::span<const std::uint32_t> unread_netns = {}; ///< exist, but could not be dumped whole
};

struct SettlementReport {
    std::uint64_t drift = 0;   ///< differences that the events should have told
    std::uint64_t settled = 0; ///< mini-sockets moved or ended, which is no event
    std::uint64_t entered = 0; ///< connections that were not on the books
    std::uint64_t missed = 0;  ///< that were not listed, and may be there all the same
};

/// A connection on the books that the last sweep did not list.
struct MissedSocket {
    FourTuple tuple;
    std::uint64_t cookie = 0; ///< 0: a mini-socket
};

class Settlement {
public:
    explicit Settlement(Ledger& ledger) : ledger_(ledger) {}

    /// Before the dump starts.
    void begin(MonotonicTime now);
    void listed(const SocketEvidence& row);
    /// After all rows; the descriptors of one process in a row. From the first one to
    /// finish() the ledger must not begin an interval, which forgets processes.
    void held(const HolderEvidence& holder);
    SettlementReport finish(const SweepCoverage& coverage, MonotonicTime now);
    /// In place of finish(), where nothing was listed: only what was looked for counts.
    SettlementReport finish_looks();

    /// What the last sweep did not list, as far as a look-up by tuple can tell whether it is there:
    /// of listeners that share an address it would find another one. Nothing where there are more
    /// than `limit`.
    [[nodiscard]] std::vector<MissedSocket> missed(std::size_t limit) const;
    /// After begin(): what the kernel says of one of those. Nothing: it is not there.
    void looked_for(const MissedSocket& socket, std::optional<TcpState> state);

    /// True once a sweep has finished: from then on the books claim to balance.
    [[nodiscard]] bool seeded() const { return finished_sweeps_ > 0; }

private:
    /// The holders of one socket, summed up.
    struct Holders {
        ProcessId smallest = kUnknownProcess;
        ProcessId last = kKernelProcess; ///< which holds nothing
        std::uint32_t processes = 0;
        bool owner_holds = false;
    };

    [[nodiscard]] ConnectionId find(const SocketEvidence& row) const;
    void enter(const SocketEvidence& row);
    void agree(ConnectionId id, const SocketEvidence& row);
    void become_mini(ConnectionId id);
    void strike_missing(const SweepCoverage& coverage, MonotonicTime now);
    void settle_owners();
    void settle_owner(ConnectionId id, const Holders* holders);
    void settle_held(ConnectionId id, const Holders& holders);
    void settle_unheld(ConnectionId id);
    void queue_at_listener(ConnectionId id);
    /// A difference counts once the books claim to balance.
    void count_drift() { report_.drift += seeded() ? 1U : 0U; }
    void note_difference(SocketKind kind)
    {
        if (kind == SocketKind::kMini) {
            ++report_.settled;
        } else {
            count_drift();
        }
    }
    [[nodiscard]] bool has_gone(const Connection& mini, const SweepCoverage& coverage,
                                MonotonicTime now) const;
    /// True if the connection, which this sweep did not list, is to leave the books.
    [[nodiscard]] bool is_gone(Connection& connection, MonotonicTime now,
                               unsigned misses_that_prove) const;
    [[nodiscard]] bool touched(const Connection& connection) const
    {
        return connection.last_event >= started_;
    }

    Ledger& ledger_;
    MonotonicTime started_{};
    std::uint32_t sweep_ = 0;
    std::uint64_t finished_sweeps_ = 0;
    std::set<std::uint32_t> seen_netns_; ///< by a census, once
    bool every_process_ = false;         ///< of the coverage of this sweep
    SettlementReport report_;
    tsl::robin_map<ConnectionId, Holders> holders_;
};

} // namespace tcpledger
