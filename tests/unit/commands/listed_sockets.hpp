// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sockets as a listing would give them, for the tests of `list`'s views.
#pragma once

#include "session/listing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace tcpledger::test {

inline IpAddress ipv4_of(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d)
{
    const std::array<std::uint8_t, 4> bytes{a, b, c, d};
    std::uint32_t address_be = 0;
    std::memcpy(&address_be, bytes.data(), bytes.size());
    return IpAddress::from_ipv4_be(address_be);
}

inline CensusHolder holder_of(std::uint32_t pid, std::uint32_t fd, std::string_view comm,
                              std::uint64_t cookie = 0x2a)
{
    CensusHolder one;
    one.cookie = cookie;
    one.pid = pid;
    one.fd = fd;
    one.comm_size = static_cast<std::uint8_t>(std::min(comm.size(), one.comm_bytes.size() - 1));
    std::copy_n(comm.begin(), one.comm_size, one.comm_bytes.begin());
    return one;
}

/// 10.0.0.1:40000 → 10.0.0.2:443 in namespace 7.
inline SocketRow row_of(TcpState state = TcpState::kEstablished)
{
    SocketRow row;
    row.tuple = {7, {ipv4_of(10, 0, 0, 1), 40000}, {ipv4_of(10, 0, 0, 2), 443}};
    row.cookie = 0x2a;
    row.inode = 777;
    row.uid = 1000;
    row.recv_queue_bytes = 12;
    row.send_queue_bytes = 34;
    row.family = AF_INET;
    row.protocol = IPPROTO_TCP;
    row.state = state;
    return row;
}

/// One socket and all that belongs to it.
struct ListedFixture : testing::Test {
    SocketRow row = row_of();
    SocketDetails details;
    std::vector<CensusHolder> holders;
    CensusHolder owner = holder_of(812, 0, "nginx");
    How how = How::kHeld;
    bool owned = true;
    bool unaccepted = false;

    [[nodiscard]] ListedSocket listed()
    {
        pointers_.clear();
        for (const CensusHolder& holder : holders) {
            pointers_.push_back(&holder);
        }
        return {row, &details, pointers_, {owned ? &owner : nullptr, how, unaccepted}, {}};
    }

private:
    std::vector<const CensusHolder*> pointers_;
};

} // namespace tcpledger::test
