// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Who ended a connection: each evidence and what it means.
#include "ledger/ending.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

namespace tcpledger {
namespace {

using enum TcpState;

struct Case {
    const char* what;
    EndingEvidence evidence;
    Ending ending;
};

const Case kCases[] = {
    {"FIN here first", {.last_state = kFinWait2, .first = FirstToClose::kLocal}, Ending::kLocal},
    {"FIN there first", {.last_state = kLastAck, .first = FirstToClose::kRemote}, Ending::kRemote},
    {"FINs crossed", {.last_state = kClosing, .first = FirstToClose::kBoth}, Ending::kBoth},
    {"only the last state seen: FIN_WAIT2", {.last_state = kFinWait2}, Ending::kLocal},
    {"only the last state seen: LAST_ACK", {.last_state = kLastAck}, Ending::kRemote},
    {"only the last state seen: CLOSING", {.last_state = kClosing}, Ending::kBoth},
    {"RST in ESTABLISHED",
     {.last_state = kEstablished, .error = ECONNRESET},
     Ending::kResetReceived},
    {"RST in CLOSE_WAIT", {.last_state = kCloseWait, .error = EPIPE}, Ending::kResetReceived},
    {"RST after our FIN",
     {.last_state = kFinWait2, .first = FirstToClose::kLocal, .error = ECONNRESET},
     Ending::kResetReceived},
    {"data after close(): tcp_reset(), then a RST of ours",
     {.last_state = kFinWait1, .error = ECONNRESET, .reset_sent = true},
     Ending::kResetSent},
    {"close() with data unread",
     {.last_state = kEstablished, .both_shut = true},
     Ending::kResetSent},
    {"the same after the peer's FIN",
     {.last_state = kCloseWait, .first = FirstToClose::kRemote, .both_shut = true},
     Ending::kResetSent},
    {"SO_LINGER 0",
     {.last_state = kEstablished, .lingers_not = true, .both_shut = true, .reset_sent = true},
     Ending::kAborted},
    {"connect() to AF_UNSPEC", {.last_state = kEstablished}, Ending::kAborted},
    {"SO_LINGER 0, but closed in order",
     {.last_state = kLastAck, .first = FirstToClose::kRemote, .lingers_not = true},
     Ending::kRemote},
    {"TCP_LINGER2 below 0: RST in place of FIN_WAIT2",
     {.last_state = kFinWait2, .first = FirstToClose::kLocal, .reset_sent = true},
     Ending::kResetSent},
    {"refused", {.last_state = kSynSent, .error = ECONNREFUSED}, Ending::kRefused},
    {"no answer to a SYN", {.last_state = kSynSent, .error = ETIMEDOUT}, Ending::kTimeout},
    {"no answer to data", {.last_state = kEstablished, .error = ETIMEDOUT}, Ending::kTimeout},
    {"no answer to a FIN",
     {.last_state = kFinWait1, .first = FirstToClose::kLocal, .error = ETIMEDOUT},
     Ending::kTimeout},
    {"host unreachable", {.last_state = kSynSent, .error = EHOSTUNREACH}, Ending::kUnreachable},
    {"net unreachable", {.last_state = kSynSent, .error = ENETUNREACH}, Ending::kUnreachable},
    {"connect() given up", {.last_state = kSynSent, .both_shut = true}, Ending::kInterrupted},
    {"killed in connect()",
     {.last_state = kSynSent, .process_end = ProcessEnd::kKilled, .both_shut = true},
     Ending::kKilled},
    {"killed, and its FIN was first",
     {.last_state = kFinWait2, .first = FirstToClose::kLocal, .process_end = ProcessEnd::kKilled},
     Ending::kKilled},
    {"killed with data unread",
     {.last_state = kEstablished, .process_end = ProcessEnd::kKilled, .both_shut = true},
     Ending::kKilled},
    {"killed after the peer's FIN",
     {.last_state = kLastAck, .first = FirstToClose::kRemote, .process_end = ProcessEnd::kKilled},
     Ending::kRemote},
    {"exited: as close()",
     {.last_state = kFinWait2, .first = FirstToClose::kLocal, .process_end = ProcessEnd::kExited},
     Ending::kLocal},
    {"ss -K",
     {.last_state = kEstablished, .error = ECONNABORTED, .reset_sent = true},
     Ending::kDestroyed},
    {"in the queue when the listener closed",
     {.last_state = kEstablished, .never_accepted = true, .reset_sent = true},
     Ending::kNeverAccepted},
    {"in the queue when the peer reset it",
     {.last_state = kEstablished, .error = ECONNRESET, .never_accepted = true},
     Ending::kNeverAccepted},
    {"an error of no kind of these", {.last_state = kEstablished, .error = ENOMEM}, Ending::kError},
};

TEST(Ending, OfEachEvidence)
{
    std::set<Ending> seen;
    for (const Case& one : kCases) {
        EXPECT_EQ(ending_name(ending_of(one.evidence)), ending_name(one.ending)) << one.what;
        seen.insert(one.ending);
    }
    EXPECT_EQ(seen.size(), 14U) << "each ending has a case";
}

TEST(Ending, NamesAreDifferent)
{
    std::set<std::string> names;
    for (int ending = 0; ending <= static_cast<int>(Ending::kError); ++ending) {
        names.emplace(ending_name(static_cast<Ending>(ending)));
    }
    EXPECT_EQ(names.size(), static_cast<std::size_t>(Ending::kError) + 1);
}

TEST(Ending, FailuresAreThoseWithoutAnOrderlyClose)
{
    for (const Ending fine : {Ending::kLocal, Ending::kRemote, Ending::kBoth}) {
        EXPECT_FALSE(is_failure(fine)) << ending_name(fine);
    }
    for (const Ending failure : {Ending::kRefused, Ending::kTimeout, Ending::kResetReceived,
                                 Ending::kKilled, Ending::kNeverAccepted, Ending::kAborted}) {
        EXPECT_TRUE(is_failure(failure)) << ending_name(failure);
    }
}

} // namespace
} // namespace tcpledger
