// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The states of a TCP socket, numbered as the kernel numbers them
// (include/net/tcp_states.h), and their two spellings.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tcpledger {

enum class TcpState : std::uint8_t {
    kEstablished = 1,
    kSynSent = 2,
    kSynRecv = 3,
    kFinWait1 = 4,
    kFinWait2 = 5,
    kTimeWait = 6,
    kClose = 7,
    kCloseWait = 8,
    kLastAck = 9,
    kListen = 10,
    kClosing = 11,
    kNewSynRecv = 12,    ///< a request sock; shown as SYN_RECV
    kBoundInactive = 13, ///< bound, not connected (since 6.8); shown as CLOSE
};

/// Size of an array indexed by state: room for what newer kernels may add.
inline constexpr std::size_t kStateSlots = 16;

/// The eleven states that people see, in the order they are shown.
inline constexpr std::array kShownStates = {
    TcpState::kEstablished, TcpState::kSynSent,  TcpState::kSynRecv, TcpState::kFinWait1,
    TcpState::kFinWait2,    TcpState::kTimeWait, TcpState::kClose,   TcpState::kCloseWait,
    TcpState::kLastAck,     TcpState::kListen,   TcpState::kClosing,
};

/// From the kernel's number; nothing for one outside 1..13.
[[nodiscard]] constexpr std::optional<TcpState> tcp_state_from_kernel(unsigned number) noexcept
{
    if (number < 1 || number > 13) {
        return std::nullopt;
    }
    return static_cast<TcpState>(number);
}

/// The state it is shown and counted as: request socks are SYN_RECV, bound ones CLOSE.
[[nodiscard]] constexpr TcpState shown_state(TcpState state) noexcept
{
    if (state == TcpState::kNewSynRecv) {
        return TcpState::kSynRecv;
    }
    return state == TcpState::kBoundInactive ? TcpState::kClose : state;
}

/// tcpledger's and the kernel's spelling: "CLOSE_WAIT".
[[nodiscard]] std::string_view state_name(TcpState state) noexcept;

/// ss's spelling: "CLOSE-WAIT", "ESTAB", "UNCONN".
[[nodiscard]] std::string_view ss_state_name(TcpState state) noexcept;

/// Reads either spelling in any case ("close-wait", "CLOSE_WAIT", "estab", "closed", "unconn").
[[nodiscard]] std::optional<TcpState> parse_state(std::string_view text) noexcept;

} // namespace tcpledger
