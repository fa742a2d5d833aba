// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "filter/state_set.hpp"

#include <algorithm>
#include <array>

namespace tcpledger {
namespace {

constexpr StateSet kClosed = set_of(TcpState::kClose) | set_of(TcpState::kBoundInactive);
constexpr StateSet kSynRecv = set_of(TcpState::kSynRecv) | set_of(TcpState::kNewSynRecv);
constexpr StateSet kConnected = kAllStates & ~(kClosed | set_of(TcpState::kListen));
constexpr StateSet kBucket = kSynRecv | set_of(TcpState::kTimeWait);

struct Group {
    std::string_view word; ///< lower case, with '-'
    StateSet states;
};

constexpr std::array kGroups = {
    Group{"all", kAllStates},
    Group{"connected", kConnected},
    Group{"synchronized", kConnected & ~set_of(TcpState::kSynSent)},
    Group{"bucket", kBucket},
    Group{"big", kAllStates & ~kBucket},
    Group{"unconnected", kClosed},
    Group{"bound-inactive", set_of(TcpState::kBoundInactive)},
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
    return set_of(shown);
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
