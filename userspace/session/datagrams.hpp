// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The UDP sockets of some network namespaces and who holds them, at about one moment. Kept
// apart from the census, which is TCP's: a UDP socket has no life that the books could follow.
#pragma once

#include "netlink/namespaces.hpp"
#include "netlink/sock_diag.hpp"
#include "session/census.hpp"

#include <span>
#include <string>
#include <vector>

namespace tcpledger {

struct Datagrams {
    std::vector<SocketRow> rows;
    std::vector<SocketDetails> details; ///< memory and drops; in step with rows
    std::vector<CensusHolder> holders;  ///< by cookie, pid, descriptor
    std::vector<std::string> notes;     ///< what could not be seen, for the user

    [[nodiscard]] std::span<const CensusHolder> holders_of(const SocketRow& row) const;
};

/// The sockets without their holders: `holders` stays empty.
[[nodiscard]] Datagrams dump_datagrams(std::span<const NetworkNamespace> namespaces);

/// Finds the holders of what was dumped.
void find_holders(Datagrams& datagrams);

} // namespace tcpledger
