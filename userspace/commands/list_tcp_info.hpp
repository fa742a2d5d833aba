// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What ss writes behind a socket with -m and -i: its memory and its tcp_info. Pure.
#pragma once

#include "netlink/socket_row.hpp"

#include <string>

namespace tcpledger {

struct DetailsWanted {
    bool memory = false;    ///< -m: skmem
    bool info = false;      ///< -i: tcp_info and the congestion control's own figures
    bool options = false;   ///< -o, -e: the negotiated options too
    bool listening = false; ///< the socket is
    bool numeric = false;   ///< -n: rates in plain bits per second
};

/// Each part begins with a blank. What the kernel did not tell is left out.
void append_details(std::string& out, const SocketDetails& details, const DetailsWanted& wanted);

} // namespace tcpledger
