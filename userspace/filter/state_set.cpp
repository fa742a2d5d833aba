// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "filter/state_set.hpp"

#include <algorithm>
#include <array>

namespace tcpledger {
namespace {

constexpr StateSet kClosed = state_bit(TcpState::kClose) | state_bit(TcpState::kBoundInactive);
constexpr StateSet kSynRecv = state_bit(TcpState::kSynRecv) | state_bit(TcpState::kNewSynRecv);
constexpr StateSet kConnected = kAllStates & ~(kClosed | state_bit(TcpState::kListen));
constexpr StateSet kBucket = kSynRecv | state_bit(TcpState::kTimeWait);

struct Group {
    std::string_view word; ///< lower case, with '-'
    StateSet states;
};

constexpr std::array kGroups = {
    Group{"all", kAllStates},
    Group{"connected", kConnected},
    Group{"synchronized", kConnected & ~state_bit(TcpState::kSynSent)},
    Group{"bucket", kBucket},
    Group{"big", kAllStates & ~kBucket},
    Group{"unconnected", kClosed},
    Group{"bound-inactive", state_bit(TcpState::kBoundInactive)},
};

char fold(char c)
{
    if (c == '_') {
        return '-';
    }
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

} // namespace

StateSet states_shown_as(TcpState shown) noexcept
{
    switch (shown_state(shown)) {
    case TcpState::kSynRecv:
        return kSynRecv;
    case TcpState::kClose:
        return kClosed;
    case TcpState::kEstablished:
    case TcpState::kSynSent:
    case TcpState::kFinWait1:
    case TcpState::kFinWait2:
    case TcpState::kTimeWait:
    case TcpState::kCloseWait:
    case TcpState::kLastAck:
    case TcpState::kListen:
    case TcpState::kClosing:
    case TcpState::kNewSynRecv:
    case TcpState::kBoundInactive:
        break;
    }
    return state_bit(shown);
}

std::optional<StateSet> parse_state_set(std::string_view word) noexcept
{
    for (const Group& group : kGroups) {
        if (std::ranges::equal(word, group.word, {}, fold)) {
            return group.states;
        }
    }
    const std::optional<TcpState> state = parse_state(word);
    return state ? std::optional(states_shown_as(*state)) : std::nullopt;
}

} // namespace tcpledger
