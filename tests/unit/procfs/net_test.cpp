// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/net.hpp"
#include "stub_tree.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <limits>
#include <string>

namespace tcpledger {
namespace {

using std::string_literals::operator""s;

constexpr std::string_view kSockstat = "sockets: used 310\n"
                                       "TCP: inuse 5 orphan 1 tw 61234 alloc 9 mem 3\n"
                                       "UDP: inuse 4 mem 77\n"
                                       "FRAG: inuse 0 memory 0\n";

TEST(ParseSockstat, ReadsTheTcpLines)
{
    const SocketTotals totals = parse_sockstat(kSockstat, "TCP6: inuse 8\nUDP6: inuse 3\n");
    EXPECT_EQ(totals.tcp_in_use, 5U);
    EXPECT_EQ(totals.orphans, 1U);
    EXPECT_EQ(totals.time_wait, 61234U);
    EXPECT_EQ(totals.allocated, 9U);
    EXPECT_EQ(totals.memory_pages, 3U);
    EXPECT_EQ(totals.tcp6_in_use, 8U);
}

TEST(ParseSockstat, TheUnsaidIsUnknown)
{
    for (const std::string& text :
         {""s, "\n\n"s, "TCP:"s, "TCP: \n"s, "TCP: inuse"s, "TCP: inuse \n"s, "TCP: inuse -5\n"s,
          "TCP: inuse 99999999999999999999\n"s, "TCP: inuse 5"s, "TCP: INUSE 5\n"s,
          "XTCP: inuse 5\n"s, std::string(1 << 16, '\0'), std::string(1 << 16, ' ')}) {
        EXPECT_EQ(parse_sockstat(text, text), SocketTotals{}) << text.substr(0, 40);
    }
}

TEST(ParseSockstat, ACutNeverGivesAWrongNumber)
{
    const SocketTotals whole = parse_sockstat(kSockstat, "");
    for (std::size_t length = 0; length < kSockstat.size(); ++length) {
        const SocketTotals part = parse_sockstat(kSockstat.substr(0, length), "");
        EXPECT_TRUE(!part.time_wait || part.time_wait == whole.time_wait) << length;
        EXPECT_TRUE(!part.tcp_in_use || part.tcp_in_use == whole.tcp_in_use) << length;
    }
}

TEST(NetCounters, AreFoundByGroupAndName)
{
    NetCounters counters;
    counters.add("TcpExt: SyncookiesSent ListenOverflows ListenDrops\n"
                 "TcpExt: 0 12 34\n"
                 "IpExt: InNoRoutes\n"
                 "IpExt: 7\n");
    counters.add("Tcp: MaxConn RetransSegs\nTcp: -1 99\n");
    EXPECT_EQ(counters.value("TcpExt", "SyncookiesSent"), 0);
    EXPECT_EQ(counters.value("TcpExt", "ListenOverflows"), 12);
    EXPECT_EQ(counters.value("TcpExt", "ListenDrops"), 34);
    EXPECT_EQ(counters.value("IpExt", "InNoRoutes"), 7);
    EXPECT_EQ(counters.value("Tcp", "MaxConn"), -1);
    EXPECT_EQ(counters.value("Tcp", "RetransSegs"), 99);
    EXPECT_EQ(counters.value("TcpExt", "RetransSegs"), std::nullopt);
    EXPECT_EQ(counters.value("", ""), std::nullopt);
}

TEST(NetCounters, HostileTextIsLeftOut)
{
    for (const std::string& text :
         {""s, "\n"s, "TcpExt:"s, "TcpExt: A\n"s, "TcpExt: A\nIpExt: 1\n"s, "TcpExt: A\nTcpExt:\n"s,
          "TcpExt: A\nTcpExt: x\n"s, "TcpExt: A\nTcpExt: 99999999999999999999\n"s,
          "TcpExt A\nTcpExt 1\n"s, ":\n"s, std::string(1 << 16, ':'), std::string(1 << 16, '\0')}) {
        NetCounters counters;
        counters.add(text);
        EXPECT_TRUE(counters.empty()) << text.substr(0, 40);
    }
    NetCounters uneven;
    uneven.add("TcpExt: A B C\nTcpExt: 1 2\nIpExt: D\nIpExt: 3 4 5\n");
    EXPECT_EQ(uneven.value("TcpExt", "B"), 2);
    EXPECT_EQ(uneven.value("TcpExt", "C"), std::nullopt);
    EXPECT_EQ(uneven.value("IpExt", "D"), 3);
}

TEST(NetCounters, ACutNeverGivesAWrongNumber)
{
    const std::string whole = "TcpExt: A B\nTcpExt: 1234 5678\n";
    for (std::size_t length = 0; length <= whole.size(); ++length) {
        NetCounters counters;
        counters.add(whole.substr(0, length));
        EXPECT_EQ(counters.value("TcpExt", "A").value_or(1234), 1234) << length;
        EXPECT_EQ(counters.value("TcpExt", "B").value_or(5678), 5678) << length;
        EXPECT_EQ(counters.value("TcpExt", "B").has_value(), length == whole.size()) << length;
    }
}

TEST(NetFiles, AreReadBelowAnyDirectory)
{
    const StubTree tree;
    tree.file("net/sockstat", kSockstat);
    tree.file("net/netstat", "TcpExt: ListenDrops\nTcpExt: 3\n");
    tree.file("net/snmp", "Tcp: CurrEstab\nTcp: 4\n");
    const auto totals = read_socket_totals(tree.root() / "net");
    ASSERT_TRUE(totals.has_value());
    EXPECT_EQ(totals->time_wait, 61234U);
    EXPECT_EQ(totals->tcp6_in_use, std::nullopt);
    const auto counters = read_net_counters(tree.root() / "net");
    ASSERT_TRUE(counters.has_value());
    EXPECT_EQ(counters->value("TcpExt", "ListenDrops"), 3);
    EXPECT_EQ(counters->value("Tcp", "CurrEstab"), 4);
    EXPECT_EQ(read_socket_totals(tree.root()).error().error_number, ENOENT);
    EXPECT_EQ(read_net_counters(tree.root()).error().error_number, ENOENT);
}

TEST(NetFiles, TheHostHasThem)
{
    const auto totals = read_socket_totals();
    ASSERT_TRUE(totals.has_value()) << totals.error().message();
    EXPECT_TRUE(totals->tcp_in_use.has_value());
    EXPECT_TRUE(totals->time_wait.has_value());
    const auto counters = read_net_counters();
    ASSERT_TRUE(counters.has_value()) << counters.error().message();
    EXPECT_TRUE(counters->value("TcpExt", "ListenOverflows").has_value());
    EXPECT_TRUE(counters->value("Tcp", "CurrEstab").has_value());
}

TEST(ParseSysctlNumbers, Table)
{
    using Numbers = std::vector<std::int64_t>;
    constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(parse_sysctl_numbers("60\n"), Numbers{60});
    EXPECT_EQ(parse_sysctl_numbers("32768\t60999\n"), (Numbers{32768, 60999}));
    EXPECT_EQ(parse_sysctl_numbers("-1"), Numbers{-1});
    EXPECT_EQ(parse_sysctl_numbers("9223372036854775807"), Numbers{kMax});
    EXPECT_EQ(parse_sysctl_numbers("18446744073709551615"), Numbers{kMax});
    for (const std::string& text :
         {""s, "\n"s, "cubic\n"s, "1 x"s, "0x10"s, "1,2"s, "99999999999999999999"s, "1\0"s}) {
        EXPECT_FALSE(parse_sysctl_numbers(text).has_value()) << text;
    }
}

TEST(Sysctls, ReadsTextAndNumbers)
{
    const StubTree tree;
    tree.file("sys/net/ipv4/tcp_fin_timeout", "60\n");
    tree.file("sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
    tree.file("sys/net/ipv4/tcp_congestion_control", "cubic\n");
    tree.file("sys/net/ipv4/empty", "");
    tree.file("sys/fs/file-nr", "1234\t0\t9223372036854775807\n");
    tree.file("secret", "1\n");
    const Sysctls sysctls(tree.root());
    EXPECT_EQ(sysctls.number("net.ipv4.tcp_fin_timeout"), 60);
    EXPECT_EQ(sysctls.numbers("net.ipv4.ip_local_port_range"),
              (std::vector<std::int64_t>{32768, 60999}));
    EXPECT_EQ(sysctls.text("net.ipv4.tcp_congestion_control"), "cubic");
    EXPECT_EQ(sysctls.text("net.ipv4.empty"), "");
    EXPECT_EQ(sysctls.number("net.ipv4.ip_local_port_range").error().error_number, EBADMSG);
    EXPECT_EQ(sysctls.number("net.ipv4.tcp_congestion_control").error().error_number, EBADMSG);
    EXPECT_EQ(sysctls.number("net.ipv4.empty").error().error_number, EBADMSG);
    EXPECT_EQ(sysctls.number("net.ipv4.none").error().error_number, ENOENT);
    for (const std::string& name : {""s, "."s, "../secret"s, "/etc/passwd"s, "..secret"s, "a/b"s,
                                    "net.ipv4.\n"s, "net\0x"s}) {
        EXPECT_EQ(sysctls.text(name).error().error_number, EINVAL) << name;
    }
    const auto files = read_file_totals(sysctls);
    ASSERT_TRUE(files.has_value());
    EXPECT_EQ(files->allocated, 1234U);
    EXPECT_EQ(files->max, 9223372036854775807U);
}

TEST(Sysctls, FileTotalsWantThreeNumbers)
{
    for (const char* text : {"", "1 2\n", "1 2 3 4\n", "-1 0 5\n", "1 0 -5\n", "a b c\n"}) {
        const StubTree tree;
        tree.file("sys/fs/file-nr", text);
        EXPECT_FALSE(read_file_totals(Sysctls(tree.root())).has_value()) << text;
    }
}

TEST(Sysctls, ReadsAreBounded)
{
    const StubTree tree;
    tree.file("sys/net/huge", std::string(10 << 20, '1'));
    EXPECT_LE(Sysctls(tree.root()).text("net.huge")->size(), 64U * 1024);
}

} // namespace
} // namespace tcpledger
