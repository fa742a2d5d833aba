// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Unanswered connects, idle connections and wildcard listeners at, below and above their limits.
#include "world.hpp"

namespace tcpledger {
namespace {

using namespace test;

TEST(ConnectionRules, SynSent)
{
    struct Case {
        std::size_t count;
        std::uint8_t retransmits;
        const char* expected;
    };
    for (const Case& each : {Case{4, 3, ""}, Case{5, 0, ""}, Case{5, 1, "syn_sent:warning"},
                             Case{100, 6, "syn_sent:warning"}}) {
        World world;
        for (std::size_t at = 0; at < each.count; ++at) {
            world.add(TcpState::kSynSent).retransmits = each.retransmits;
        }
        EXPECT_EQ(world.ids(), each.expected) << each.count << " " << int(each.retransmits);
    }
    World world; // four to each of two remotes
    for (int at = 0; at < 8; ++at) {
        AuditSocket& socket = world.add(TcpState::kSynSent);
        socket.retransmits = 2;
        socket.tuple.remote.port = at < 4 ? 80 : 81;
    }
    EXPECT_EQ(world.ids(), "");
    world.facts.sockets[0].tuple.remote.port = 81;
    const Finding finding = world.finding();
    EXPECT_EQ(finding.remote->text(), "10.0.0.2:81");
    EXPECT_EQ(number(finding, "syn_sent"), 5);
    EXPECT_EQ(finding.process->pid, 812U);
}

TEST(ConnectionRules, Keepalive)
{
    struct Case {
        std::size_t count;
        std::chrono::milliseconds idle;
        const char* expected;
    };
    for (const Case& each :
         {Case{9, 9h, ""}, Case{10, 7'199'999ms, ""}, Case{10, 7'200'000ms, "keepalive:warning"},
          Case{500, 200h, "keepalive:warning"}}) {
        World world;
        world.add_many(each.count, TcpState::kEstablished, each.idle);
        EXPECT_EQ(world.ids(), each.expected) << each.count;
    }
}

TEST(ConnectionRules, KeepaliveIsNotMissed)
{
    const auto with = [](auto&& change) {
        World world;
        world.add_many(20, TcpState::kEstablished, 9h);
        for (AuditSocket& socket : world.facts.sockets) {
            change(socket);
        }
        return world.ids();
    };
    EXPECT_EQ(with([](AuditSocket&) {}), "keepalive:warning");
    EXPECT_EQ(with([](AuditSocket& s) { s.keepalive = true; }), "");
    EXPECT_EQ(with([](AuditSocket& s) { s.send_queue = 1; }), "") << "a retransmit will tell";
    EXPECT_EQ(with([](AuditSocket& s) { s.since_segment = 1s; }), "");
    EXPECT_EQ(with([](AuditSocket& s) { s.since_data_went = 1s; }), "");
    EXPECT_EQ(with([](AuditSocket& s) { s.since_segment.reset(); }), "");
    EXPECT_EQ(with([](AuditSocket& s) { s.process = kNobody; }), "");
    EXPECT_EQ(with([](AuditSocket& s) { s.tuple.remote.address = ip("127.0.0.1"); }), "");
    EXPECT_EQ(with([](AuditSocket& s) { s.tuple.remote.address = ip("10.0.0.1"); }), "")
        << "an address of this host";
}

TEST(ConnectionRules, KeepaliveTime)
{
    World world;
    world.add_many(10, TcpState::kEstablished, 100h);
    EXPECT_EQ(advice_on(world.finding(), "net.ipv4.tcp_keepalive_time").command, "");
    world.set("net.ipv4.tcp_keepalive_time", "36000");
    const Advice advice = advice_on(world.finding(), "net.ipv4.tcp_keepalive_time");
    EXPECT_EQ(advice.present, "36000");
    EXPECT_EQ(advice.proposed, "7200");
}

TEST(ConnectionRules, Wildcard)
{
    struct Case {
        const char* what;
        const char* address;
        std::uint16_t port;
        bool reachable;
        const char* container;
        const char* expected;
    };
    for (const Case& each :
         {Case{"a service of the administrator's", "0.0.0.0", 1023, true, "", ""},
          Case{"anybody's", "0.0.0.0", 1024, true, "", "wildcard:info"},
          Case{"one address", "10.0.0.1", 8080, true, "", ""},
          Case{"loopback only", "127.0.0.1", 8080, true, "", ""},
          Case{"nobody can come", "0.0.0.0", 8080, false, "", ""},
          Case{"in a container", "0.0.0.0", 8080, true, "0123456789ab", ""}}) {
        World world;
        world.netns().reachable = each.reachable;
        world.process().container = each.container;
        world.listener(10).tuple.local = {ip(each.address), each.port};
        EXPECT_EQ(world.ids(), each.expected) << each.what;
    }
    World world;
    world.netns().reachable = true;
    world.listener(10).tuple.local = {{}, 9200}; // [::]
    world.set("net.ipv4.ip_unprivileged_port_start", "9201");
    EXPECT_EQ(world.ids(), "");
    world.set("net.ipv4.ip_unprivileged_port_start", "0");
    EXPECT_EQ(number(world.finding(), "listeners"), 1);
    EXPECT_NE(world.finding().evidence.find("[::]:9200 shop[812]"), std::string::npos);
}

} // namespace
} // namespace tcpledger
