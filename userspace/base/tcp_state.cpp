// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/tcp_state.hpp"

#include <algorithm>
#include <cctype>

namespace tcpledger {
namespace {

struct Spelling {
    TcpState state;
    std::string_view name;
    std::string_view ss_name;
    std::string_view also; ///< another word that ss's filters take
};

constexpr std::array kSpellings = {
    Spelling{TcpState::kEstablished, "ESTABLISHED", "ESTAB", {}},
    Spelling{TcpState::kSynSent, "SYN_SENT", "SYN-SENT", {}},
    Spelling{TcpState::kSynRecv, "SYN_RECV", "SYN-RECV", "SYN-RCV"},
    Spelling{TcpState::kFinWait1, "FIN_WAIT1", "FIN-WAIT-1", "FIN-WAIT1"},
    Spelling{TcpState::kFinWait2, "FIN_WAIT2", "FIN-WAIT-2", "FIN-WAIT2"},
    Spelling{TcpState::kTimeWait, "TIME_WAIT", "TIME-WAIT", {}},
    Spelling{TcpState::kClose, "CLOSE", "UNCONN", "CLOSED"},
    Spelling{TcpState::kCloseWait, "CLOSE_WAIT", "CLOSE-WAIT", {}},
    Spelling{TcpState::kLastAck, "LAST_ACK", "LAST-ACK", {}},
    Spelling{TcpState::kListen, "LISTEN", "LISTEN", "LISTENING"},
    Spelling{TcpState::kClosing, "CLOSING", "CLOSING", {}},
};

/// Letters compare in any case, '_' and '-' are one.
bool same_word(std::string_view left, std::string_view right)
{
    const auto fold = [](char c) {
        return c == '_' ? '-' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    };
    return std::ranges::equal(left, right, {}, fold, fold);
}

const Spelling& spelling_of(TcpState state)
{
    return *std::ranges::find(kSpellings, shown_state(state), &Spelling::state);
}

} // namespace

std::string_view state_name(TcpState state) noexcept
{
    return spelling_of(state).name;
}

std::string_view ss_state_name(TcpState state) noexcept
{
    return spelling_of(state).ss_name;
}

std::optional<TcpState> parse_state(std::string_view text) noexcept
{
    for (const Spelling& spelling : kSpellings) {
        if (same_word(text, spelling.name) || same_word(text, spelling.ss_name) ||
            (!spelling.also.empty() && same_word(text, spelling.also))) {
            return spelling.state;
        }
    }
    return std::nullopt;
}

} // namespace tcpledger
