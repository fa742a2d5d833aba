// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Asks the kernel what settles mini-sockets: totals of each namespace, single sockets by their
// tuple, lists in these states alone. Evidence only; what to ask is for the caller to say.
#pragma once

#include "kernel/namespace_lives.hpp"
#include "kernel/request_count.hpp"
#include "ledger/mini_settlement.hpp"
#include "ledger/settlement.hpp"
#include "netlink/namespaces.hpp"
#include "netlink/sock_diag.hpp"
#include "session/census.hpp"
#include "session/netns_reading.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace tcpledger {

struct MiniQuestion {
    struct Netns {
        std::vector<FourTuple> look_up;
        std::uint32_t listeners = 0;   ///< on the books: the requests of so many are counted
        std::uint32_t half_open = 0;   ///< requests on the books
        bool list_all = false;         ///< all mini-sockets
        bool list_half_open = false;   ///< SYN_RECV alone
        bool if_segments_came = false; ///< only then: since the last time
    };
    std::map<std::uint32_t, Netns> netns; ///< by inode number: those to be looked at
};

struct MiniAnswer {
    FourTuple tuple;
    std::optional<TcpState> state; ///< nothing: there is no such socket
    std::chrono::milliseconds timer{};
};

struct MiniSweep {
    MonotonicTime started{};
    MonotonicTime finished{};
    std::vector<NetnsTotals> totals;
    std::vector<MiniAnswer> answers;
    std::vector<SocketRow> rows;
    std::set<std::uint32_t> gone;             ///< namespaces that are no more
    std::set<std::uint32_t> listed_all;       ///< whole
    std::set<std::uint32_t> listed_half_open; ///< whole
    std::chrono::nanoseconds cpu{};           ///< CPU time of it all
    std::chrono::nanoseconds listing_cpu{};   ///< of the lists among it
};

/// Whether single sockets are there, by namespace.
struct LookQuestion {
    std::map<std::uint32_t, std::vector<MissedSocket>> netns; ///< by inode number
};

struct Looks {
    struct Answer {
        MissedSocket socket;
        std::optional<TcpState> state; ///< nothing: it is not there
    };
    std::vector<Answer> answers;
    std::chrono::nanoseconds cpu{};
};

class MiniSweeper {
public:
    /// `namespaces_fd`: see NamespaceLives::open().
    MiniSweeper(const CensusTaker& census, int namespaces_fd)
        : census_(census), namespaces_fd_(namespaces_fd)
    {
    }

    /// Never fails: what cannot be asked has no answer. For one thread.
    [[nodiscard]] MiniSweep take(const MiniQuestion& question);
    [[nodiscard]] Looks look(const LookQuestion& question);

private:
    void seek(std::span<const std::uint32_t> lost, const MiniQuestion& question, MiniSweep& sweep);
    void ask_inside(int netns_fd, std::uint32_t inum, const MiniQuestion::Netns& netns,
                    MiniSweep& sweep);
    static void look_inside(SockDiag& diag, std::span<const MissedSocket> sockets, Looks& looks);
    [[nodiscard]] UniqueFd open_netns(std::uint32_t inum, bool& looked_around);
    [[nodiscard]] UniqueFd open_where_it_was(std::uint32_t inum) const;
    void look_around();
    bool answers(SockDiag& diag);
    static void list(SockDiag& diag, std::uint32_t inum, bool all, MiniSweep& sweep);

    const CensusTaker& census_; ///< knows which namespaces there are
    const int namespaces_fd_;
    const std::uint32_t own_inum_ = own_netns_inum();
    bool answers_ = false;                              ///< inet_diag is there
    std::optional<Expected<RequestCount>> requests_;    ///< after the first sweep
    std::optional<Expected<NamespaceLives>> lives_;     ///< likewise
    bool somebody_hides_ = true;                        ///< a namespace may exist without a path
    std::map<std::uint32_t, std::string> paths_;        ///< where a namespace was last found
    std::map<std::uint32_t, std::int64_t> segments_in_; ///< when it was last listed
};

/// Hands the sweep to both settlements, which `begin` has prepared. Calls `pause` between rows,
/// see RowPauses.
MiniReport settle(MiniSettlement& minis, Settlement& settlement, Ledger& ledger,
                  const MiniSweep& sweep, const std::function<void()>& pause);

/// Hands the answers to the settlement, which `begin` has prepared.
SettlementReport settle(Settlement& settlement, const Looks& looks);

} // namespace tcpledger
