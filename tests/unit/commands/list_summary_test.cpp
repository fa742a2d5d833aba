// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// ss -s from the kernel's totals.
#include "commands/list_summary.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

constexpr const char* kSockstat = "sockets: used 24\n"
                                  "TCP: inuse 10 orphan 0 tw 3 alloc 17 mem 1428\n"
                                  "UDP: inuse 4 mem 0\nUDPLITE: inuse 0\nRAW: inuse 0\n"
                                  "FRAG: inuse 0 memory 0\n";
constexpr const char* kSockstat6 = "TCP6: inuse 6\nUDP6: inuse 1\nRAW6: inuse 0\nFRAG6: inuse 0\n";
constexpr const char* kSnmp = "Tcp: RtoMin CurrEstab\nTcp: 200 11\n";

TEST(Summary, IsWhatSsPrintsOfTheSameFigures)
{
    EXPECT_EQ(render_summary(parse_summary(kSockstat, kSockstat6, kSnmp)),
              "Total: 24\n"
              "TCP:   20 (estab 11, closed 4, orphaned 0, timewait 3)\n\n"
              "Transport Total     IP        IPv6\n"
              "RAW\t  0         0         0        \n"
              "UDP\t  5         4         1        \n"
              "TCP\t  16        10        6        \n"
              "INET\t  21        14        7        \n"
              "FRAG\t  0         0         0        \n\n");
}

TEST(Summary, OfSeveralNamespacesCountsTheHostOnce)
{
    SocketSummary sum = parse_summary(kSockstat, kSockstat6, kSnmp);
    sum.add(parse_summary(kSockstat, kSockstat6, kSnmp));
    EXPECT_EQ(sum.total, 48U);
    EXPECT_EQ(sum.tcp_allocated, 17U);
    EXPECT_EQ(sum.time_wait, 6U);
    EXPECT_EQ(sum.established, 22U);
    EXPECT_EQ(sum.udp.ipv4, 8U);
}

TEST(Summary, AnyTextIsReadToItsEnd)
{
    for (const char* text : {"", "TCP:", "TCP: inuse", "TCP: inuse x alloc 3",
                             "\n\n\xff\xfe TCP:", "TCP: inuse 99999999999999999999999 tw 1"}) {
        EXPECT_EQ(parse_summary(text, text, text).udp.ipv4, 0U) << text;
    }
    EXPECT_EQ(parse_summary("TCP: inuse 3", "", "").tcp.ipv4, 3U);
}

} // namespace
} // namespace tcpledger
