// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Limits of descriptors, the order of findings, and what holds for all of them.
#include "analysis/words.hpp"
#include "world.hpp"

namespace tcpledger {
namespace {

using namespace test;

TEST(LimitRules, Descriptors)
{
    struct Case {
        std::uint64_t used;
        std::optional<std::uint64_t> limit;
        const char* expected;
    };
    for (const Case& each :
         {Case{74, 100, ""}, Case{75, 100, "descriptors:warning"},
          Case{89, 100, "descriptors:warning"}, Case{90, 100, "descriptors:critical"},
          Case{100'000, std::nullopt, ""}}) {
        World world;
        world.add(TcpState::kEstablished);
        world.process().descriptors_used = each.used;
        world.process().descriptor_limit = each.limit;
        EXPECT_EQ(world.ids(), each.expected) << each.used;
    }
    World none; // it has no socket: not ours to judge
    none.process().descriptors_used = 1024;
    EXPECT_EQ(none.ids(), "");
}

TEST(LimitRules, DescriptorsAdvice)
{
    World world;
    world.add(TcpState::kEstablished);
    world.process().descriptors_used = 1000;
    EXPECT_EQ(world.finding().advice.back().command, "prlimit --pid 812 --nofile=2048:");
    world.process().descriptor_limit_hard = 1500;
    EXPECT_EQ(world.finding().advice.back().proposed, "1500");
    world.process().descriptor_limit_hard = 1024;
    EXPECT_EQ(world.finding().advice.back().command, "prlimit --pid 812 --nofile=2048");
    world.add_many(500, TcpState::kCloseWait, 0ms);
    EXPECT_NE(world.finding().advice.front().action.find("leak"), std::string::npos);
    EXPECT_EQ(number(world.finding(), "sockets"), 501);
}

TEST(LimitRules, Files)
{
    struct Case {
        std::uint64_t used;
        const char* expected;
    };
    for (const Case& each :
         {Case{749, ""}, Case{750, "files:warning"}, Case{900, "files:critical"}}) {
        World world;
        world.facts.files = each.used;
        world.facts.max_files = 1000;
        EXPECT_EQ(world.ids(), each.expected) << each.used;
    }
    World world;
    world.facts.files = 999;
    world.facts.max_files = 1000;
    EXPECT_EQ(advice_on(world.finding(), "fs.file-max").proposed, "2048");
}

TEST(Audit, HealthyHost)
{
    World world;
    world.listener(128).recv_queue = 3;
    world.facts.sockets[0].half_open = 5;
    world.add_many(300, TcpState::kEstablished, 10min);
    world.add_many(3, TcpState::kCloseWait, 5h);
    for (int at = 0; at < 2000; ++at) {
        AuditSocket& socket = world.add(TcpState::kTimeWait);
        socket.mini = true;
        socket.held = false;
        socket.process = kNobody;
    }
    world.moved("ListenOverflows", 0);
    world.netns().counters["ListenDrops"] = {5000, 5000}; // long ago
    world.facts.orphans = 12;
    world.facts.max_orphans = 131072;
    world.facts.files = 5000;
    world.facts.max_files = 1'000'000;
    EXPECT_EQ(world.ids(), "");
    EXPECT_EQ(World().ids(), "");
    EXPECT_TRUE(audit({}).empty());
}

TEST(Audit, TheMostSevereFirst)
{
    World world;
    world.add_many(5, TcpState::kCloseWait, 1h);
    world.netns().reachable = true;
    AuditSocket& wide = world.listener(2);
    wide.tuple.local = {ip("0.0.0.0"), 8080};
    wide.recv_queue = 3;
    wide.recv_queue_before = 3;
    EXPECT_EQ(world.ids(), "accept_queue:critical close_wait:warning wildcard:info");
}

/// A world with every finding at once.
World ruined()
{
    World world;
    world.netns().reachable = true;
    world.netns().own = false;
    world.netns().name = "web";
    world.set("net.ipv4.ip_local_port_range", "40001 40600");
    world.set("net.ipv4.tcp_max_tw_buckets", "100");
    for (const char* counter : {"ListenOverflows", "ListenDrops", "SyncookiesSent",
                                "TCPReqQFullDrop", "TCPTimeWaitOverflow"}) {
        world.moved(counter, 7);
    }
    world.process().descriptors_used = 1024;
    world.facts.orphans = world.facts.max_orphans = 100;
    world.facts.files = world.facts.max_files = 100;
    AuditSocket& listener = world.listener(10);
    listener.tuple.local = {ip("0.0.0.0"), 8080};
    listener.recv_queue = 11;
    listener.recv_queue_before = 11;
    listener.half_open = 20;
    world.add_many(100, TcpState::kCloseWait, 1h);
    world.add_many(100, TcpState::kFinWait2, 1h);
    world.add_many(100, TcpState::kEstablished, 9h);
    for (int at = 0; at < 5; ++at) {
        AuditSocket& full = world.add(TcpState::kEstablished);
        full.recv_queue = 100;
        full.recv_queue_before = 100;
        full.recv_buffer = full.recv_memory = 100;
        full.consumed = full.consumed_before = 0;
        world.add(TcpState::kSynSent).retransmits = 3;
    }
    AuditSocket& datagrams = world.add(TcpState::kClose);
    datagrams.udp = true;
    datagrams.recv_buffer = datagrams.recv_queue = 100;
    datagrams.recv_queue_before = 100;
    for (int at = 0; at < 100; ++at) {
        AuditSocket& socket = world.add(TcpState::kTimeWait);
        socket.mini = true;
        socket.held = false;
        socket.process = kNobody;
    }
    return world;
}

TEST(Audit, EveryFindingSaysWhatItMustSay)
{
    const std::vector<Finding> all = ruined().judged();
    std::set<std::string> ids;
    for (const Finding& finding : all) {
        ids.insert(finding.id);
        EXPECT_FALSE(finding.title.empty()) << finding.id;
        EXPECT_FALSE(finding.evidence.empty()) << finding.id;
        EXPECT_TRUE(
            std::ranges::any_of(finding.evidence, [](char c) { return c >= '0' && c <= '9'; }))
            << finding.id << ": evidence is numbers";
        EXPECT_FALSE(finding.meaning.empty()) << finding.id;
        EXPECT_FALSE(finding.numbers.empty()) << finding.id;
        EXPECT_FALSE(finding.advice.empty()) << finding.id;
        for (const Advice& advice : finding.advice) {
            EXPECT_FALSE(advice.action.empty()) << finding.id;
            EXPECT_FALSE(advice.why.empty()) << finding.id << ": " << advice.action;
            if (!advice.sysctl.empty()) {
                EXPECT_FALSE(advice.risk.empty()) << advice.sysctl;
                EXPECT_NE(advice.present, advice.proposed) << advice.sysctl;
                EXPECT_NE(advice.command.find(advice.sysctl + "="), std::string::npos);
                const bool of_host = finding.id == "orphans" || finding.id == "files";
                EXPECT_EQ(advice.command.starts_with("ip netns exec web sysctl -w "), !of_host)
                    << advice.command;
            }
        }
    }
    EXPECT_EQ(
        ids, (std::set<std::string>{"accept_queue", "close_wait", "descriptors", "ephemeral_ports",
                                    "files", "fin_wait2", "keepalive", "listen_overflows",
                                    "orphans", "recv_queue", "syn_cookies", "syn_queue", "syn_sent",
                                    "time_wait_buckets", "udp_recv_queue", "wildcard"}));
}

TEST(Words, CommandsEnterTheNamespaceSafely)
{
    AuditNetns netns;
    netns.own = true;
    netns.name = "web";
    EXPECT_EQ(words::run_in(netns, "x"), "x");
    netns.own = false;
    EXPECT_EQ(words::run_in(netns, "x"), "ip netns exec web x");
    netns.pid = 77;
    for (const char* hostile : {"a b", "$(reboot)", ";x", "-x", "a\nb", "'", ""}) {
        netns.name = hostile;
        EXPECT_EQ(words::run_in(netns, "x"), "nsenter -t 77 -n x") << hostile;
    }
}

TEST(Words, Most)
{
    EXPECT_EQ(words::most({}), "");
    EXPECT_EQ(words::most({{"a", 1}, {"b", 5}}), "b (5), a (1)");
    EXPECT_EQ(words::most({{"a", 1}, {"b", 5}, {"c", 2}, {"d", 3}, {"e", 1}}),
              "b (5), d (3), c (2), 2 more");
}

TEST(Words, Duration)
{
    EXPECT_EQ(words::duration(0ms), "0 s");
    EXPECT_EQ(words::duration(119'999ms), "119 s");
    EXPECT_EQ(words::duration(120s), "2 min");
    EXPECT_EQ(words::duration(2h), "2 h");
    EXPECT_EQ(words::duration(48h), "2 days");
}

} // namespace
} // namespace tcpledger
