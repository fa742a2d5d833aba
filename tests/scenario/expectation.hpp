// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a true tracer must have seen of one socket: who it is, and its
// transitions in order, each with the process whose books the socket is on.
// Knows nothing of how the socket came to do so.
#pragma once

#include "net.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace scenario {

/// A role of the step, e.g. "client"; see Step::process().
using Role = std::string;

struct ExpectedTransition {
    std::string old_state;
    std::string new_state;
    Role owner;
    std::vector<Role> also{};  ///< what tracepoints alone may say instead of the truth
    std::vector<Role> stale{}; ///< what anybody may say who has not looked at descriptors since
    int at_least_ms = 0;       ///< spent in the old state
    bool optional = false;     ///< some kernels do not make it
    /// At → CLOSE: the mini-socket that goes on, in TIME_WAIT or FIN_WAIT2; empty: none. Only
    /// refined hooks tell of it.
    std::string left{};
    int left_ms = 0;        ///< it lasts at least so long
    bool left_ends = false; ///< its end must be seen
};

class ExpectedSocket {
public:
    ExpectedSocket(std::string name, const SocketFacts& facts);

    /// The state before the first expected transition; CLOSE unless told.
    ExpectedSocket& from(std::string_view state);
    /// The next states, separated by blanks: one transition each, owned by `owner`;
    /// `also` names who may be shown instead where only tracepoints are there.
    ExpectedSocket& then(std::string_view states, const Role& owner, std::vector<Role> also = {});
    /// One more transition to `state`, which some kernels make and some do not.
    ExpectedSocket& maybe(std::string_view state, const Role& owner);
    /// The last transition comes at least so long after the one before.
    ExpectedSocket& after_ms(int milliseconds);
    /// The descriptor has changed hands: until somebody looks, `owner` may be shown.
    ExpectedSocket& stale(const Role& owner);
    /// The last transition, from FIN_WAIT2 or CLOSING to CLOSE, leaves no TIME_WAIT behind
    /// (as it does unless told), but at most a FIN_WAIT2 that ends after so long.
    ExpectedSocket& no_time_wait(int at_least_ms = 0);
    /// The TIME_WAIT that it leaves behind ends within the scenario, after so long.
    ExpectedSocket& time_wait_ends(int at_least_ms = 0);
    /// Any legal way to CLOSE, with any owner: for what differs between kernels.
    ExpectedSocket& any_to_close();
    /// The socket cannot be asked for its cookie (nobody ever held a descriptor of it).
    ExpectedSocket& nameless();

    [[nodiscard]] std::string json() const;

private:
    std::string name_;
    SocketFacts facts_;
    std::string state_ = "CLOSE";
    bool any_to_close_ = false;
    std::vector<ExpectedTransition> transitions_;
};

/// The other end of a connection, for a socket without a descriptor.
SocketFacts peer_of(const SocketFacts& facts);

std::string json_string(std::string_view text);

} // namespace scenario
