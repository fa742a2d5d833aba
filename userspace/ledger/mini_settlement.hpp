// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Settles mini-sockets between two censuses, cheaply: the few in passing states are looked up one
// by one; of TIME_WAIT, whose number the kernel keeps by namespace, only the number is compared.
// Those whose minute is over leave the books oldest first, as their timers fire. Where that does
// not explain the number, a list is asked for. Pure.
#pragma once

#include "ledger/ledger.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace tcpledger {

/// What the kernel counts in one namespace (/proc/net/sockstat).
struct NetnsTotals {
    std::uint32_t netns_inum = 0;
    MonotonicTime asked_at{};            ///< the totals are of a moment from here
    MonotonicTime read_at{};             ///< to here
    std::optional<std::uint64_t> minis;  ///< TIME_WAIT and the FIN_WAIT2 that outlives close
    std::optional<std::uint64_t> in_use; ///< full sockets but closed ones, both families
    /// Half-open, which no file counts: by the listeners, after all look-ups.
    std::optional<std::uint64_t> requests = std::nullopt;
    std::optional<std::uint64_t> most_minis = std::nullopt; ///< tcp_max_tw_buckets, of `minis`
};

struct MiniReport {
    std::uint64_t settled = 0; ///< moved or struck
    std::uint64_t drift = 0;   ///< that neither events nor a list have explained
    /// Namespaces where the books have more (true) or fewer than the kernel: all that are on the
    /// books must be looked up, or else listed.
    std::map<std::uint32_t, bool> to_explain;
    bool full_sockets_differ = false; ///< a census is due
    /// Namespaces where half-open requests have come (true) or, nobody having counted them, may
    /// have: a list tells.
    std::map<std::uint32_t, bool> requests_to_list;
};

class MiniSettlement {
public:
    explicit MiniSettlement(Ledger& ledger) : ledger_(ledger) {}

    /// Before the kernel is asked. The ledger remembers ends from here on.
    void begin(MonotonicTime now);
    /// The mini-sockets in FIN_WAIT2 and SYN_RECV, to be looked up: at most `limit`. Nothing when
    /// there are more: then a list is cheaper.
    [[nodiscard]] std::optional<std::vector<FourTuple>> passing(std::size_t limit) const;
    /// All of one namespace, or nothing as above.
    [[nodiscard]] std::optional<std::vector<FourTuple>> all_of(std::uint32_t netns_inum,
                                                               std::size_t limit) const;
    /// How many requests in SYN_RECV a namespace has on the books.
    [[nodiscard]] std::uint32_t half_open(std::uint32_t netns_inum) const;
    /// The answer for one of those: its state now and the time until its timer fires, or nothing.
    void looked_up(const FourTuple& tuple, std::optional<TcpState> state,
                   std::chrono::milliseconds timer, MonotonicTime at);
    /// These namespaces are no more, which ends their mini-sockets without a word.
    void gone(const std::set<std::uint32_t>& netns_inums);
    /// After the ring was drained. The sets: namespaces whose list of this sweep, of all or of
    /// half-open ones alone, is settled next.
    MiniReport finish(std::span<const NetnsTotals> totals,
                      const std::set<std::uint32_t>& listed_all,
                      const std::set<std::uint32_t>& listed_half_open = {});

private:
    void compare_minis(const NetnsTotals& totals, MiniReport& report);
    void compare_full(const NetnsTotals& totals, MiniReport& report) const;
    void compare_requests(const NetnsTotals& totals, MiniReport& report) const;
    bool strike_expired(std::uint32_t netns_inum, std::size_t number, MonotonicTime now);
    void strike_replaced(MonotonicTime now);
    /// In TIME_WAIT since `since` or longer, by the time of their entry; nothing new.
    [[nodiscard]] std::vector<std::pair<MonotonicTime, ConnectionId>>
    time_waits_since(MonotonicTime since, const std::set<std::uint32_t>& netns_inums) const;

    Ledger& ledger_;
    MonotonicTime started_{};
    std::uint64_t settled_ = 0;
    std::set<std::uint32_t> full_; ///< namespaces with as many mini-sockets as they may have
    MonotonicTime next_replaced_{};
    /// How many lists in a row a namespace has had; what they do not explain drifts.
    std::map<std::uint32_t, unsigned> lists_in_a_row_;
};

} // namespace tcpledger
