// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Who holds and who owns the sockets of one listing, where no events were seen: the ledger's
// rules as far as one dump and one walk over all descriptors can tell. Evidence in, answers
// out; it reads nothing itself.
#pragma once

#include "ledger/books.hpp"
#include "session/census.hpp"

#include <tsl/robin_map.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tcpledger {

/// Whose a listed socket is.
struct ListedOwner {
    const CensusHolder* process = nullptr; ///< nullptr: nobody knows; pid 0: the kernel's own
    How how = How::kUnknown;
    bool unaccepted = false; ///< waits in the accept queue of a listener of `process`
};

class HolderIndex {
public:
    /// `holders` outlives the index; the descriptors of one process are in a row.
    explicit HolderIndex(std::span<const CensusHolder> holders);

    /// A listening TCP socket; all of them, before owner_of() is asked.
    void add_listener(const SocketRow& row);

    /// Every descriptor was seen: what nobody holds is the kernel's.
    void set_complete(bool complete) { complete_ = complete; }

    /// Those who hold the socket, in the order of the walk. Valid until the next call.
    [[nodiscard]] std::span<const CensusHolder* const> holders_of(std::uint64_t cookie);

    /// With what holders_of() gave: the holder with the smallest pid; the listener's owner for
    /// a connection in its queue (unaccepted). A connection without a descriptor that is being
    /// closed or in TIME_WAIT came from the listener on its local port, if there is one: no
    /// connect() gets a port that is listened on.
    [[nodiscard]] ListedOwner owner_of(const SocketRow& row,
                                       std::span<const CensusHolder* const> holders) const;

    /// Somebody listens on its local port, at whatever address.
    [[nodiscard]] bool is_listened_on(const SocketRow& row) const
    {
        return listeners_.contains(port_key(row));
    }

private:
    struct Listener {
        IpAddress address;
        std::uint8_t family = 0;
        bool ipv6_only = false;
        const CensusHolder* owner = nullptr;
    };
    static constexpr std::uint32_t kNone = 0xffffffff;

    [[nodiscard]] const CensusHolder* listener_owner(const SocketRow& row) const;
    [[nodiscard]] static std::uint64_t port_key(const SocketRow& row);

    struct Chain {
        std::uint32_t first = kNone;
        std::uint32_t last = kNone;
    };

    std::span<const CensusHolder> holders_;
    bool complete_ = false;
    tsl::robin_map<std::uint64_t, Chain, IntegerHash> chains_; ///< by cookie
    std::vector<std::uint32_t> next_;                          ///< of each holder in its chain
    tsl::robin_map<std::uint64_t, std::vector<Listener>, IntegerHash> listeners_; ///< by port_key
    std::vector<const CensusHolder*> found_;
};

} // namespace tcpledger
