// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Compares the books with one witness, socket by socket, and sums both up by (namespace, state)
// and by (process, state). Pure. It judges no difference: what moved while the witness looked
// differs rightly, which only another look can tell.
#pragma once

#include "ledger/ledger.hpp"
#include "verify/witness.hpp"

#include <compare>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tcpledger {

enum class Aspect : std::uint8_t { kState, kOwner };

/// Which socket, in which respect. A mini-socket is known by its tuple: its cookie is 0 here.
struct DifferenceKey {
    std::uint64_t cookie = 0;
    FourTuple tuple;
    Aspect aspect = Aspect::kState;

    auto operator<=>(const DifferenceKey&) const = default;
};

/// What each side says of it.
struct Claims {
    std::optional<TcpState> kernel;      ///< nothing: the kernel has no such socket
    std::optional<TcpState> books;       ///< nothing: it is not on the books
    std::vector<LinkingProcess> holders; ///< by pid
    std::optional<ProcessKey> owner;     ///< on the books; nothing: [kernel], [unknown] or no entry
    std::string owner_comm;              ///< raw bytes
    MonotonicTime last_event{};          ///< the last event that the books know of it
    MonotonicTime ends{}; ///< when its timer fires; of a mini-socket that is not on the books
};

using Differences = std::map<DifferenceKey, Claims>;

/// One cell of a balance: how many the kernel has, how many are on the books.
struct Balance {
    std::int64_t kernel = 0;
    std::int64_t books = 0;
};

struct Comparison {
    std::map<std::pair<std::uint32_t, TcpState>, Balance> by_netns;
    /// Of the sockets that a process holds, the one thing the kernel tells of owners. Where several
    /// hold one, each of them may be its owner: the books' is taken if it is among them.
    std::map<std::pair<ProcessKey, TcpState>, Balance> by_process;
    Differences differences;
    std::size_t sockets = 0;         ///< that the witness saw
    std::size_t states_compared = 0; ///< sockets
    std::size_t owners_compared = 0; ///< sockets
    std::size_t moved = 0;           ///< not compared: an event since the witness began
    std::size_t unknown = 0;         ///< on [unknown]'s books
    bool sums_agree = true;          ///< the books' own counts are the sums of their connections
};

/// The books of one moment, so that they may go on while they are compared.
struct BooksCopy {
    std::vector<Connection> connections;
    std::vector<Process> processes; ///< by ProcessId
    std::map<std::uint32_t, StateCounts> by_netns;
};

/// To be made after the witness finished and all events up to then were applied.
[[nodiscard]] BooksCopy copy_of(const Books& books);

/// Takes a while where there are many: not for the thread that reads events.
[[nodiscard]] Comparison compare(const BooksCopy& books, const Witness& witness);

} // namespace tcpledger
