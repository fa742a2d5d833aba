// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sets of states as masks of the kernel's numbers, the form netlink's idiag_states takes,
// and the words ss has for them.
#pragma once

#include "base/tcp_state.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace tcpledger {

using StateSet = std::uint32_t;

[[nodiscard]] constexpr StateSet set_of(TcpState state) noexcept
{
    return StateSet{1} << static_cast<unsigned>(state);
}

/// Every state the kernel knows (1 to 13) and those of kernels to come.
inline constexpr StateSet kAllStates = 0xfffffffe;

/// All states that are shown as `shown` is: SYN_RECV with the request socks, CLOSE with the
/// bound ones.
[[nodiscard]] StateSet states_shown_as(TcpState shown) noexcept;

/// A state in either spelling and any case, or a group of ss: all, connected, synchronized,
/// bucket, big; also unconnected and bound-inactive.
[[nodiscard]] std::optional<StateSet> parse_state_set(std::string_view word) noexcept;

} // namespace tcpledger
