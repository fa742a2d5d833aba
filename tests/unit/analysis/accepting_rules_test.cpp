// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Queues of listeners, and what they refused, at, below and above their limits.
#include "world.hpp"

namespace tcpledger {
namespace {

using namespace test;

TEST(AcceptingRules, AcceptQueue)
{
    struct Case {
        const char* what;
        std::uint32_t before;
        std::uint32_t now;
        std::uint32_t limit;
        const char* expected;
    };
    for (const Case& each : {Case{"empty", 0, 0, 100, ""}, Case{"below", 74, 74, 100, ""},
                             Case{"near", 75, 75, 100, "accept_queue:warning"},
                             Case{"a burst that has gone", 100, 3, 100, ""},
                             Case{"a burst that has just come", 3, 101, 100, ""},
                             Case{"at the limit", 100, 100, 100, "accept_queue:warning"},
                             Case{"full", 101, 101, 100, "accept_queue:critical"},
                             Case{"no limit, nobody waits", 0, 0, 0, ""},
                             Case{"no limit, one waits", 1, 1, 0, "accept_queue:critical"}}) {
        World world;
        AuditSocket& listener = world.listener(each.limit);
        listener.recv_queue_before = each.before;
        listener.recv_queue = each.now;
        EXPECT_EQ(world.ids(), each.expected) << each.what;
    }
    World world; // it was opened between the looks
    AuditSocket& listener = world.listener(10);
    listener.recv_queue = 11;
    listener.recv_queue_before.reset();
    EXPECT_EQ(world.ids(), "");
}

TEST(AcceptingRules, RaisesWhatLimitsTheQueue)
{
    World world;
    AuditSocket& listener = world.listener(4096);
    listener.recv_queue = 4097;
    listener.recv_queue_before = 4097;
    const Advice sysctl = advice_on(world.finding(), "net.core.somaxconn");
    EXPECT_EQ(sysctl.present, "4096");
    EXPECT_EQ(sysctl.proposed, "8192");
    EXPECT_NE(sysctl.why.find("4097 wait"), std::string::npos) << sysctl.why;

    world.facts.sockets[0].send_queue = 10; // the argument of listen()
    const Finding finding = world.finding();
    EXPECT_EQ(advice_on(finding, "net.core.somaxconn").command, "");
    EXPECT_NE(finding.advice.front().action.find("shop[812]"), std::string::npos);
    EXPECT_EQ(finding.advice.front().present, "10");
    EXPECT_EQ(finding.advice.front().proposed, "128");
}

TEST(AcceptingRules, SynQueue)
{
    struct Case {
        const char* what;
        std::uint32_t half_open;
        std::uint32_t limit;
        const char* cookies;
        const char* max_syn_backlog;
        const char* expected;
    };
    for (const Case& each :
         {Case{"handshakes", 7, 8, "1", "512", ""},
          Case{"few, small limit", 8, 8, "1", "512", "syn_queue:critical"},
          Case{"below half", 49, 100, "1", "512", ""},
          Case{"half", 50, 100, "1", "512", "syn_queue:warning"},
          Case{"all but one", 99, 100, "1", "512", "syn_queue:warning"},
          Case{"all", 100, 100, "1", "512", "syn_queue:critical"},
          Case{"cookies make max_syn_backlog no matter", 40, 100, "1", "16", ""},
          Case{"three quarters, no cookies", 12, 100, "0", "16", "syn_queue:critical"},
          Case{"half of those", 8, 100, "0", "20", "syn_queue:warning"},
          Case{"below half of those", 8, 100, "0", "24", ""}}) {
        World world;
        world.set("net.ipv4.tcp_syncookies", each.cookies);
        world.set("net.ipv4.tcp_max_syn_backlog", each.max_syn_backlog);
        world.listener(each.limit).half_open = each.half_open;
        EXPECT_EQ(world.ids(), each.expected) << each.what;
    }
}

TEST(AcceptingRules, SiblingsShareWhatIsHalfOpen)
{
    World world;
    for (int at = 0; at < 4; ++at) {
        AuditSocket& listener = world.listener(100);
        listener.half_open = 199;
        listener.siblings = 3;
    }
    EXPECT_EQ(world.ids(), "");
    for (AuditSocket& listener : world.facts.sockets) {
        listener.half_open = 200;
    }
    EXPECT_EQ(world.ids(), "syn_queue:warning") << "once for all of them";
}

TEST(AcceptingRules, SynQueueNamesTheSources)
{
    World world;
    world.listener(16).half_open = 9;
    for (int at = 0; at < 9; ++at) {
        AuditSocket& socket = world.add(TcpState::kSynRecv);
        socket.tuple.local = {ip("10.0.0.1"), 80};
        socket.tuple.remote = {ip(at < 6 ? "198.51.100.7" : "198.51.100.8"), 1};
        socket.process = kNobody;
        socket.held = false;
    }
    const Finding finding = world.finding();
    EXPECT_NE(finding.evidence.find("198.51.100.7 (6), 198.51.100.8 (3)"), std::string::npos)
        << finding.evidence;
    EXPECT_EQ(advice_on(finding, "net.ipv4.tcp_syncookies").command, "") << "they are on";
}

TEST(AcceptingRules, SynQueueWithoutCookies)
{
    World world;
    world.set("net.ipv4.tcp_syncookies", "0");
    world.set("net.ipv4.tcp_max_syn_backlog", "16");
    world.listener(100).half_open = 12;
    const Finding finding = world.finding();
    EXPECT_EQ(advice_on(finding, "net.ipv4.tcp_syncookies").proposed, "1");
    EXPECT_EQ(advice_on(finding, "net.ipv4.tcp_max_syn_backlog").present, "16");
    EXPECT_EQ(advice_on(finding, "net.ipv4.tcp_max_syn_backlog").proposed, "256");
    world.set("net.ipv4.tcp_max_syn_backlog", "1024");
    world.facts.sockets[0].half_open = 100;
    EXPECT_EQ(advice_on(world.finding(), "net.ipv4.tcp_max_syn_backlog").command, "")
        << "the backlog is what limits";
}

TEST(AcceptingRules, Counters)
{
    struct Case {
        const char* counter;
        std::int64_t moved;
        const char* cookies;
        const char* expected;
    };
    for (const Case& each :
         {Case{"SyncookiesSent", 0, "1", ""}, Case{"SyncookiesSent", 1, "1", "syn_cookies:warning"},
          Case{"SyncookiesSent", 9, "2", ""}, Case{"TCPReqQFullDrop", 0, "0", ""},
          Case{"TCPReqQFullDrop", 1, "0", "syn_cookies:critical"},
          Case{"ListenOverflows", 0, "1", ""},
          Case{"ListenOverflows", 1, "1", "listen_overflows:critical"},
          Case{"ListenDrops", 1, "1", "listen_overflows:warning"}}) {
        World world;
        world.set("net.ipv4.tcp_syncookies", each.cookies);
        world.moved(each.counter, each.moved);
        EXPECT_EQ(world.ids(), each.expected) << each.counter << " " << each.moved;
    }
    World restarted; // a counter that went back is another namespace's
    restarted.netns().counters["ListenOverflows"] = {100, 3};
    EXPECT_EQ(restarted.ids(), "");
}

TEST(AcceptingRules, OverflowsNameTheFullestListener)
{
    World world;
    world.moved("ListenOverflows", 3);
    world.moved("ListenDrops", 4);
    world.listener(100).recv_queue = 20;
    AuditSocket& fuller = world.listener(10);
    fuller.tuple.local.port = 8080;
    fuller.recv_queue = 7;
    Finding finding = world.finding();
    EXPECT_EQ(number(finding, "overflows"), 3);
    EXPECT_EQ(number(finding, "drops"), 4);
    EXPECT_EQ(finding.local->text(), "10.0.0.1:8080");
    EXPECT_EQ(finding.process->pid, 812U);
    EXPECT_EQ(advice_on(finding, "net.ipv4.tcp_abort_on_overflow").command, "");

    world.set("net.ipv4.tcp_abort_on_overflow", "1");
    finding = world.finding();
    EXPECT_EQ(advice_on(finding, "net.ipv4.tcp_abort_on_overflow").proposed, "0");
    EXPECT_NE(finding.meaning.find("reset"), std::string::npos);
}

} // namespace
} // namespace tcpledger
