// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Connections as a churn book is told of them, made by hand. For tests only.
#pragma once

#include "analysis/churn_book.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace tcpledger::test {

using namespace std::chrono_literals;

inline Endpoint remote(std::uint8_t last, std::uint16_t port)
{
    IpAddress address = IpAddress::from_ipv4_be(0);
    address.bytes[12] = 10;
    address.bytes[15] = last;
    return {address, port};
}

inline Process program(std::uint32_t pid, std::string comm, std::uint64_t cgroup_id = 7)
{
    Process process;
    process.key = {pid, 100};
    process.comm = std::move(comm);
    process.cgroup_id = cgroup_id;
    return process;
}

/// An outgoing connection that ended in good order after `duration`.
inline FinishedLife life(const Process& owner, MonotonicTime opened, MonotonicTime duration,
                         Endpoint to = remote(7, 443))
{
    FinishedLife life;
    life.connection.tuple = {1, remote(1, 40000), to};
    life.connection.owner = 5;
    life.connection.opened = opened;
    life.owner = owner;
    life.closed = opened + duration;
    life.duration = duration;
    life.figures.bytes_sent = 100;
    life.figures.bytes_received = 1000;
    life.last_state = TcpState::kFinWait2;
    life.ending = Ending::kLocal;
    life.time_in_state[static_cast<std::size_t>(TcpState::kEstablished)] = duration;
    life.connect = 50us;
    return life;
}

/// Tells the book of its begin, its use and its end.
inline void tell(ChurnBook& book, const FinishedLife& life, std::string_view container = {})
{
    const ChurnParty party{life.connection, life.owner, life.outgoing(), container};
    if (life.outgoing()) {
        book.connects(party, life.connection.opened);
        book.lets_go(party, life.closed);
    }
    book.ended(life, party);
}

} // namespace tcpledger::test
