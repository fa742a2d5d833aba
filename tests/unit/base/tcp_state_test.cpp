// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/tcp_state.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tcpledger {
namespace {

TEST(TcpState, BothSpellingsReadBackInAnyCase)
{
    for (const TcpState state : kShownStates) {
        EXPECT_EQ(parse_state(state_name(state)), state);
        EXPECT_EQ(parse_state(ss_state_name(state)), state);
        std::string lower(state_name(state));
        for (char& c : lower) {
            c = static_cast<char>(std::tolower(c));
        }
        EXPECT_EQ(parse_state(lower), state) << lower;
    }
    EXPECT_EQ(parse_state("closed"), TcpState::kClose);
    EXPECT_EQ(parse_state("fin_wait_1"), TcpState::kFinWait1);
}

TEST(TcpState, NonsenseIsNoState)
{
    for (const char* text : {"", "ESTABLISHE", "CLOSE WAIT", "7", "ESTABLISHED "}) {
        EXPECT_FALSE(parse_state(text).has_value()) << text;
    }
}

TEST(TcpState, KernelNumbersOutsideTheEnumAreRefused)
{
    EXPECT_FALSE(tcp_state_from_kernel(0).has_value());
    EXPECT_FALSE(tcp_state_from_kernel(14).has_value());
    EXPECT_EQ(tcp_state_from_kernel(13), TcpState::kBoundInactive);
}

TEST(TcpState, InternalStatesAreShownAsPeopleKnowThem)
{
    EXPECT_EQ(state_name(TcpState::kNewSynRecv), "SYN_RECV");
    EXPECT_EQ(ss_state_name(TcpState::kBoundInactive), "UNCONN");
}

} // namespace
} // namespace tcpledger
