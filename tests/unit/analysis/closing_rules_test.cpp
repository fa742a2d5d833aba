// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// CLOSE_WAIT, FIN_WAIT2 and orphans at, below and above where they become findings.
#include "world.hpp"

namespace tcpledger {
namespace {

using namespace test;

TEST(ClosingRules, CloseWaitAndFinWait2)
{
    struct Case {
        const char* what;
        TcpState state;
        std::size_t count;
        std::chrono::milliseconds since;
        const char* expected;
    };
    constexpr TcpState kCw = TcpState::kCloseWait;
    constexpr TcpState kFw = TcpState::kFinWait2;
    for (const Case& each : {
             Case{"too few", kCw, 4, 1h, ""},
             Case{"a pile", kCw, 5, 1h, "close_wait:warning"},
             Case{"just too young", kCw, 500, 59999ms, ""},
             Case{"just old enough", kCw, 5, 60000ms, "close_wait:warning"},
             Case{"under half of the descriptors", kCw, 511, 1h, "close_wait:warning"},
             Case{"half of the descriptors", kCw, 512, 1h, "close_wait:critical"},
             Case{"too few", kFw, 4, 1h, ""},
             Case{"a pile", kFw, 5, 60000ms, "fin_wait2:warning"},
             Case{"too young", kFw, 100, 59999ms, ""},
             Case{"half of the descriptors", kFw, 512, 1h, "fin_wait2:critical"},
         }) {
        World world;
        world.add_many(each.count, each.state, each.since);
        EXPECT_EQ(world.ids(), each.expected)
            << each.what << ": " << each.count << " of state " << int(each.state);
    }
}

TEST(ClosingRules, CloseWaitTellsWhoSinceWhenAndWithWhom)
{
    World world;
    world.add_many(6, TcpState::kCloseWait, 90s);
    world.add(TcpState::kCloseWait).since_segment = 1s;
    world.facts.sockets[0].since_segment = 2h;
    const Finding finding = world.finding();
    EXPECT_EQ(number(finding, "stuck"), 6);
    EXPECT_EQ(number(finding, "all"), 7);
    EXPECT_EQ(number(finding, "oldest_at_least_ms"), 7'200'000);
    EXPECT_EQ(number(finding, "youngest_at_least_ms"), 90'000);
    ASSERT_TRUE(finding.process);
    EXPECT_EQ(finding.process->pid, 812U);
    for (const char* words : {"shop[812]", "6 of 7", "90 s", "2 h", "10.0.0.2:443 (6)",
                              "30 of 1024", "netns 4026531840"}) {
        EXPECT_NE(finding.evidence.find(words), std::string::npos)
            << words << ": " << finding.evidence;
    }
    EXPECT_FALSE(finding.meaning.empty());
    ASSERT_FALSE(finding.advice.empty());
    EXPECT_EQ(finding.advice.front().sysctl, "") << "no sysctl ends CLOSE_WAIT";
}

TEST(ClosingRules, WhoCameToAListenerIsToldByAddress)
{
    World world;
    world.add_many(6, TcpState::kCloseWait, 90s);
    std::uint16_t port = 50000;
    for (AuditSocket& socket : world.facts.sockets) {
        socket.tuple.local.port = 80;
        socket.tuple.remote.port = port++;
    }
    EXPECT_NE(world.finding().evidence.find("10.0.0.2:50000 (1)"), std::string::npos);
    world.listener(10);
    EXPECT_NE(world.finding().evidence.find("peers 10.0.0.2 (6)"), std::string::npos)
        << world.finding().evidence;
}

TEST(ClosingRules, TheAgeIsTheNamespacesFinTimeout)
{
    World world;
    world.add_many(5, TcpState::kCloseWait, 10s);
    EXPECT_EQ(world.ids(), "");
    world.set("net.ipv4.tcp_fin_timeout", "10");
    EXPECT_EQ(world.ids(), "close_wait:warning");
    world.netns().sysctls.erase("net.ipv4.tcp_fin_timeout"); // unknown: the kernel's default
    EXPECT_EQ(world.ids(), "");
}

TEST(ClosingRules, WhatIsNotKnownIsNoFinding)
{
    World world;
    world.add_many(10, TcpState::kCloseWait, 1h);
    for (AuditSocket& socket : world.facts.sockets) {
        socket.since_segment.reset();
    }
    EXPECT_EQ(world.ids(), "");
    world.facts.sockets.clear();
    world.add_many(10, TcpState::kCloseWait, 1h);
    for (AuditSocket& socket : world.facts.sockets) {
        socket.process = kNobody;
    }
    EXPECT_EQ(world.ids(), "");
    world.facts.sockets.clear();
    world.process().descriptor_limit.reset(); // unlimited
    world.add_many(2000, TcpState::kCloseWait, 1h);
    EXPECT_EQ(world.ids(), "close_wait:warning");
}

TEST(ClosingRules, EachProcessCountsForItself)
{
    World world;
    world.facts.processes.push_back(world.process());
    world.facts.processes[1].pid = 900;
    world.add_many(8, TcpState::kCloseWait, 1h);
    for (std::size_t at = 0; at < 4; ++at) {
        world.facts.sockets[at].process = 1;
    }
    EXPECT_EQ(world.ids(), "") << "four each";
    world.add_many(1, TcpState::kCloseWait, 1h);
    EXPECT_EQ(world.finding().process->pid, 812U);
}

TEST(ClosingRules, ClosedFinWait2IsNotHeld)
{
    World world;
    world.add_many(100, TcpState::kFinWait2, 1h);
    for (AuditSocket& socket : world.facts.sockets) {
        socket.held = false;
    }
    EXPECT_EQ(world.ids(), "");
}

TEST(ClosingRules, Orphans)
{
    struct Case {
        std::uint64_t orphans;
        const char* expected;
    };
    for (const Case& each :
         {Case{0, ""}, Case{2047, ""}, Case{2048, "orphans:warning"}, Case{8191, "orphans:warning"},
          Case{8192, "orphans:critical"}, Case{9000, "orphans:critical"}}) {
        World world;
        world.facts.orphans = each.orphans;
        world.facts.max_orphans = 8192;
        EXPECT_EQ(world.ids(), each.expected) << each.orphans;
    }
    World world;
    world.facts.orphans = 2048;
    world.facts.max_orphans = 8192;
    const Advice advice = advice_on(world.finding(), "net.ipv4.tcp_max_orphans");
    EXPECT_EQ(advice.present, "8192");
    EXPECT_EQ(advice.proposed, "16384");
    EXPECT_EQ(advice.command, "sysctl -w net.ipv4.tcp_max_orphans=16384");
    EXPECT_FALSE(advice.risk.empty());
    world.facts.max_orphans.reset();
    EXPECT_EQ(world.ids(), "");
}

} // namespace
} // namespace tcpledger
