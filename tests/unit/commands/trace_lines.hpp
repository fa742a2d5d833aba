// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Transitions as `trace` is handed them, made by hand. For tests only.
#pragma once

#include "commands/trace_view.hpp"

#include <cstring>

namespace tcpledger::test {

inline IpAddress ipv4(std::uint8_t last)
{
    const std::uint8_t bytes[4] = {10, 0, 0, last};
    std::uint32_t address_be = 0;
    std::memcpy(&address_be, bytes, sizeof(address_be));
    return IpAddress::from_ipv4_be(address_be);
}

inline TraceLine line(std::uint64_t cookie, std::uint16_t local_port, TcpState from, TcpState to)
{
    TraceLine line;
    line.time = std::chrono::seconds(60);
    line.tuple = {4026531840U, {ipv4(1), local_port}, {ipv4(2), 443}};
    line.cookie = cookie;
    line.pid = 812;
    line.comm = "curl";
    line.how = How::kConnect;
    line.old_state = from;
    line.new_state = to;
    return line;
}

} // namespace tcpledger::test
