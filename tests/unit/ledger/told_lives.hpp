// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A world whose connections are told of when they end, with the records of those who ask for
// whole lives. For tests only.
#pragma once

#include "ledger/life_book.hpp"

#include "world.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace tcpledger::test {

using enum TcpState;

inline const Task kCurl{101, "curl"};
inline const Task kNginx{202, "nginx"};

inline tl_farewell farewell_record(const Sock& sock, TcpState from, MonotonicTime time)
{
    tl_farewell event{};
    event.transition = transition_record(sock, from, kClose, time);
    event.transition.header.kind = TL_RECORD_FAREWELL;
    event.transition.header.size_bytes = sizeof(event);
    event.bytes_sent = 1300;
    event.bytes_retransmitted = 300;
    event.bytes_received = 500;
    event.srtt_us = 120;
    event.min_rtt_us = 80;
    event.retransmits = 2;
    return event;
}

struct Lives : testing::Test {
    std::vector<FinishedLife> told;
    LifeBook book{[this](const FinishedLife& life) { told.push_back(life); }};
    World world{[this](const AppliedTransition& transition) { book.transition(transition); },
                [this](const Companion& companion) { book.companion(companion); }};
    Sock c = client(1, 40000);
    Sock l = listener(2);
    Sock s = served(3, c, l);

    void leaves(const Sock& sock, TcpState from)
    {
        world.apply(farewell_record(sock, from, world.tick()));
    }
    void leaves(const Sock& sock, TcpState from, const Task& closer, std::uint8_t flags = 0)
    {
        tl_farewell event = farewell_record(sock, from, world.tick());
        event.transition.flags |= static_cast<std::uint8_t>(TL_FLAG_CALLER | flags);
        event.transition.shutdown = kBothShut;
        event.process = process_of(closer);
        world.apply(event);
    }
    void resets(const Sock& sock, bool sent, std::uint32_t reason = TL_NO_REASON)
    {
        tl_reset event{};
        event.header.time_ns = static_cast<std::uint64_t>(world.tick(1us).count());
        event.header.kind = TL_RECORD_RESET;
        event.header.size_bytes = sizeof(event);
        event.cookie = sock.cookie;
        event.reason = reason;
        event.sent = sent ? 1 : 0;
        world.apply(event);
    }
    /// close() and the peer's answer; what is left is a TIME_WAIT.
    void closes_first(Sock sock, const Task& task, std::uint8_t flags = 0)
    {
        sock.shutdown = kBothShut;
        Sock closing = sock;
        closing.flags = flags;
        world.goes(closing, kEstablished, kFinWait1, task);
        sock.flags = TL_FLAG_ORPHANED;
        world.goes(sock, kFinWait1, kFinWait2);
        sock.flags |= TL_FLAG_FIN_RECEIVED;
        leaves(sock, kFinWait2);
    }
    void closes_second(Sock sock, const Task& task)
    {
        sock.flags = TL_FLAG_FIN_RECEIVED;
        world.goes(sock, kEstablished, kCloseWait);
        sock.shutdown = kBothShut;
        world.goes(sock, kCloseWait, kLastAck, task);
        leaves(sock, kLastAck);
    }
    /// The one life that was told.
    const FinishedLife& only()
    {
        book.hand_over_all();
        EXPECT_EQ(told.size(), 1U);
        static const FinishedLife kNone;
        return told.empty() ? kNone : told.front();
    }
    [[nodiscard]] std::optional<MonotonicTime> time_in(const FinishedLife& life, TcpState state)
    {
        return life.time_in_state[static_cast<std::size_t>(state)];
    }
};

} // namespace tcpledger::test
