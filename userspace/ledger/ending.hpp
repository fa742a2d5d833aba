// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Who ended a connection and how, from what its last records say. Pure; it keeps nothing.
#pragma once

#include "base/tcp_state.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace tcpledger {

enum class Ending : std::uint8_t {
    kLocal,         ///< this end's FIN went first
    kRemote,        ///< the peer's FIN came first
    kBoth,          ///< the FINs crossed
    kResetReceived, ///< the peer's RST
    kResetSent,     ///< closed with data unread, or data came after close()
    kTimeout,       ///< no answer: handshake, retransmission, keep-alive, TCP_USER_TIMEOUT
    kRefused,       ///< RST for the SYN
    kUnreachable,   ///< ICMP said that there is no way, or a peer's neighbour was not found
    kInterrupted,   ///< connect() given up on this end
    kAborted,       ///< SO_LINGER 0, or connect() to AF_UNSPEC
    kKilled,        ///< this end went first, because a signal killed its process
    kDestroyed,     ///< ss -K and the like (SOCK_DESTROY)
    kNeverAccepted, ///< it ended in the accept queue
    kError,         ///< another error of the socket
};

/// "local", "reset_received", …
[[nodiscard]] std::string_view ending_name(Ending ending) noexcept;

/// Neither end closed it in an orderly way.
[[nodiscard]] bool is_failure(Ending ending) noexcept;

/// Whose FIN was first.
enum class FirstToClose : std::uint8_t { kUnseen, kLocal, kRemote, kBoth };

/// The process was at its end when it closed.
enum class ProcessEnd : std::uint8_t { kLives, kExited, kKilled };

struct EndingEvidence {
    TcpState last_state = TcpState::kEstablished; ///< before CLOSE
    FirstToClose first = FirstToClose::kUnseen;   ///< kUnseen: by last_state
    ProcessEnd process_end = ProcessEnd::kLives;  ///< at the close that `first` or the end tells of
    std::uint16_t error = 0;                      ///< sk_err
    bool never_accepted = false;
    bool lingers_not = false; ///< SO_LINGER with 0 seconds
    bool both_shut = false;   ///< sk_shutdown: by close(), not by connect() to AF_UNSPEC
    bool reset_sent = false;  ///< a RST went out with the end
};

[[nodiscard]] Ending ending_of(const EndingEvidence& evidence) noexcept;

} // namespace tcpledger
