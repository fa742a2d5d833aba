// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Ephemeral ports towards a remote, and the bound on TIME_WAIT, at, below and above their limits.
#include "analysis/ephemeral_ports.hpp"
#include "world.hpp"

namespace tcpledger {
namespace {

using namespace test;

void add_time_wait(World& world, std::size_t count, TcpState state = TcpState::kTimeWait)
{
    for (std::size_t at = 0; at < count; ++at) {
        AuditSocket& socket = world.add(state);
        socket.held = false;
        socket.mini = true;
        socket.process = kNobody;
    }
}

TEST(EphemeralPorts, Parse)
{
    struct Case {
        const char* range;
        const char* reserved;
        std::uint64_t size; ///< 0: no range
        std::uint64_t taken;
    };
    for (const Case& each :
         {Case{"32768\t60999", "", 28232, 0}, Case{"40000 40000", "", 1, 0},
          Case{"40000 40009", "40001", 9, 1}, Case{"40000 40009", "40001-40003,40009", 6, 4},
          Case{"40000 40009", "1-39999,50000-65535", 10, 0},
          Case{"40000 40009", "39990-40020", 0, 10}, Case{"1 65535", "1-65535", 0, 65535},
          Case{"40000 40009", "x,40001-,-3,40002-40001,99999,40005", 9, 1}}) {
        const auto range = EphemeralPorts::parse(each.range, each.reserved);
        ASSERT_TRUE(range) << each.range;
        EXPECT_EQ(range->size(), each.size) << each.range << " without " << each.reserved;
        EXPECT_EQ(range->reserved(), each.taken) << each.range << " without " << each.reserved;
    }
    for (const char* bad : {"", "1", "a b", "5 4", "1 99999", "-1 5", "1 2 3"}) {
        EXPECT_FALSE(EphemeralPorts::parse(bad, "")) << bad;
    }
    const auto range = EphemeralPorts::parse("40000 40009", "40001");
    EXPECT_TRUE(range->contains(40000));
    EXPECT_FALSE(range->contains(40001));
    EXPECT_TRUE(range->contains(40009));
    EXPECT_FALSE(range->contains(40010));
}

TEST(PortRules, PortsTakenByTimeWait)
{
    struct Case {
        std::size_t count;
        const char* expected;
    };
    for (const Case& each :
         {Case{49, ""}, Case{50, "ephemeral_ports:warning"}, Case{89, "ephemeral_ports:warning"},
          Case{90, "ephemeral_ports:critical"}, Case{100, "ephemeral_ports:critical"}}) {
        World world;
        world.set("net.ipv4.ip_local_port_range", "40001 40100");
        add_time_wait(world, each.count);
        EXPECT_EQ(world.ids(), each.expected) << each.count;
    }
}

TEST(PortRules, TellsWhatIsLeftForThatRemote)
{
    World world;
    world.set("net.ipv4.ip_local_port_range", "40001 40100");
    world.set("net.ipv4.ip_local_reserved_ports", "40091-40100,8080");
    add_time_wait(world, 60);
    const Finding finding = world.finding();
    EXPECT_EQ(number(finding, "available"), 90);
    EXPECT_EQ(number(finding, "left"), 30);
    EXPECT_EQ(number(finding, "reserved"), 10);
    EXPECT_EQ(number(finding, "time_wait"), 60);
    EXPECT_EQ(finding.remote->text(), "10.0.0.2:443");
    const Advice reuse = advice_on(finding, "net.ipv4.tcp_tw_reuse");
    EXPECT_EQ(reuse.present, "2");
    EXPECT_EQ(reuse.proposed, "1");
    EXPECT_EQ(reuse.command, "sysctl -w net.ipv4.tcp_tw_reuse=1");
    const Advice range = advice_on(finding, "net.ipv4.ip_local_port_range");
    EXPECT_EQ(range.proposed, "1024 65535");
    EXPECT_EQ(range.command, "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"");
}

TEST(PortRules, EachRemoteHasItsOwnPorts)
{
    World world;
    world.set("net.ipv4.ip_local_port_range", "40001 40100");
    add_time_wait(world, 98);
    for (std::size_t at = 0; at < 49; ++at) {
        world.facts.sockets[at].tuple.remote.port = 444;
    }
    EXPECT_EQ(world.ids(), "");
}

TEST(PortRules, WhatIsNoPortOfOurs)
{
    World world;
    world.set("net.ipv4.ip_local_port_range", "50000 50009"); // all of these are outside
    add_time_wait(world, 100);
    EXPECT_EQ(world.ids(), "");
    World serving; // connections to a listener whose port lies in the range
    serving.set("net.ipv4.ip_local_port_range", "40001 40002");
    AuditSocket& listener = serving.listener(10);
    listener.tuple.local.port = 40001;
    for (std::uint16_t port = 1; port < 100; ++port) {
        AuditSocket& socket = serving.add(TcpState::kEstablished);
        socket.tuple.local.port = 40001;
        socket.tuple.remote.port = port;
    }
    EXPECT_EQ(serving.ids(), "");
}

TEST(PortRules, PortsThatConnectMayTakeOver)
{
    struct Case {
        const char* reuse;
        const char* timestamps;
        const char* remote;
        bool found;
    };
    for (const Case& each :
         {Case{"0", "1", "10.0.0.2", true}, Case{"0", "1", "127.0.0.1", true},
          Case{"1", "1", "10.0.0.2", false}, Case{"1", "0", "10.0.0.2", true},
          Case{"2", "1", "10.0.0.2", true}, Case{"2", "1", "127.0.0.1", false}}) {
        World world;
        world.set("net.ipv4.ip_local_port_range", "40001 40100");
        world.set("net.ipv4.tcp_tw_reuse", each.reuse);
        world.set("net.ipv4.tcp_timestamps", each.timestamps);
        add_time_wait(world, 95);
        for (AuditSocket& socket : world.facts.sockets) {
            socket.tuple.remote.address = ip(each.remote);
        }
        EXPECT_EQ(!world.ids().empty(), each.found) << each.reuse << " " << each.remote;
        if (each.found && std::string_view(each.timestamps) == "0") {
            EXPECT_EQ(advice_on(world.finding(), "net.ipv4.tcp_tw_reuse").command, "")
                << "reuse does nothing without timestamps";
        }
    }
}

TEST(PortRules, OpenConnectionsNeedNoReuse)
{
    World world;
    world.set("net.ipv4.ip_local_port_range", "1024 65535");
    world.set("net.ipv4.ip_local_reserved_ports", "1024-40000,40101-65535");
    world.add_many(95, TcpState::kEstablished, 0ms);
    const Finding finding = world.finding();
    EXPECT_EQ(finding.severity, Severity::kCritical);
    EXPECT_EQ(advice_on(finding, "net.ipv4.tcp_tw_reuse").command, "");
    EXPECT_EQ(advice_on(finding, "net.ipv4.ip_local_port_range").command, "") << "is as wide";
    EXPECT_NE(advice_on(finding, "net.ipv4.ip_local_reserved_ports").command, "");
    EXPECT_NE(finding.evidence.find("shop[812] (95)"), std::string::npos) << finding.evidence;
}

TEST(PortRules, NoRangeNoFinding)
{
    World world;
    world.set("net.ipv4.ip_local_port_range", "nonsense");
    add_time_wait(world, 500);
    EXPECT_EQ(world.ids(), "");
    world.set("net.ipv4.ip_local_port_range", "40001 40002");
    world.set("net.ipv4.ip_local_reserved_ports", "40001-40002");
    EXPECT_EQ(world.ids(), "");
}

TEST(PortRules, TimeWaitBuckets)
{
    struct Case {
        std::size_t time_wait;
        std::size_t fin_wait2;
        std::int64_t overflowed;
        const char* expected;
    };
    for (const Case& each :
         {Case{89, 0, 0, ""}, Case{90, 0, 0, "time_wait_buckets:warning"}, Case{44, 45, 0, ""},
          Case{45, 45, 0, "time_wait_buckets:warning"}, Case{3, 0, 1, "time_wait_buckets:warning"},
          Case{100, 0, 7, "time_wait_buckets:warning"}}) {
        World world;
        world.set("net.ipv4.tcp_max_tw_buckets", "100");
        world.moved("TCPTimeWaitOverflow", each.overflowed);
        add_time_wait(world, each.time_wait);
        add_time_wait(world, each.fin_wait2, TcpState::kFinWait2);
        EXPECT_EQ(world.ids(), each.expected) << each.time_wait << " " << each.fin_wait2;
    }
}

TEST(PortRules, TimeWaitBucketsAdvice)
{
    World world;
    world.set("net.ipv4.tcp_max_tw_buckets", "100");
    add_time_wait(world, 95);
    EXPECT_EQ(advice_on(world.finding(), "net.ipv4.tcp_max_tw_buckets").proposed, "256");
    EXPECT_EQ(advice_on(world.finding(), "net.ipv4.tcp_fin_timeout").command, "");
    world.facts.sockets.clear();
    add_time_wait(world, 95, TcpState::kFinWait2);
    EXPECT_EQ(advice_on(world.finding(), "net.ipv4.tcp_fin_timeout").proposed, "30");
    for (AuditSocket& socket : world.facts.sockets) {
        socket.mini = false; // TCP_LINGER2 beyond 60 s keeps the struct sock: no such bucket
    }
    EXPECT_EQ(world.ids(), "");
    world.set("net.ipv4.tcp_max_tw_buckets", "0"); // the kernel keeps none at all: nothing is near
    EXPECT_EQ(world.ids(), "");
}

} // namespace
} // namespace tcpledger
