// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What is not read, at, below and above where it becomes a finding.
#include "world.hpp"

namespace tcpledger {
namespace {

using namespace test;

/// A socket with something to read, of which nothing was read between the looks.
AuditSocket& unread(World& world, std::uint32_t memory = 0, std::chrono::milliseconds since = 1h)
{
    AuditSocket& socket = world.add(TcpState::kEstablished);
    socket.keepalive = true;
    socket.recv_queue = 100;
    socket.recv_queue_before = 100;
    socket.recv_buffer = 1000;
    socket.recv_memory = memory;
    socket.consumed = socket.consumed_before = 5;
    socket.since_data_came = since;
    return socket;
}

TEST(ReadingRules, Tcp)
{
    struct Case {
        const char* what;
        std::size_t count;
        std::uint32_t memory;
        std::chrono::milliseconds since;
        const char* expected;
    };
    for (const Case& each : {Case{"few bytes on few", 4, 499, 1h, ""},
                             Case{"few bytes on some", 5, 499, 1h, "recv_queue:warning"},
                             Case{"just came", 50, 499, 4999ms, ""},
                             Case{"came a while ago", 5, 0, 5000ms, "recv_queue:warning"},
                             Case{"half a buffer", 1, 500, 0ms, "recv_queue:warning"}}) {
        World world;
        for (std::size_t at = 0; at < each.count; ++at) {
            unread(world, each.memory, each.since);
        }
        EXPECT_EQ(world.ids(), each.expected) << each.what;
    }
}

TEST(ReadingRules, TcpThatIsReadOrUnknown)
{
    const auto with = [](auto&& change) {
        World world;
        change(unread(world, 1000));
        return world.ids();
    };
    EXPECT_EQ(with([](AuditSocket&) {}), "recv_queue:warning");
    EXPECT_EQ(with([](AuditSocket& s) { s.consumed = 6; }), "") << "read, and as much came";
    EXPECT_EQ(with([](AuditSocket& s) { s.consumed.reset(); }), "");
    EXPECT_EQ(with([](AuditSocket& s) { s.recv_queue_before.reset(); }), "") << "it is new";
    EXPECT_EQ(with([](AuditSocket& s) { s.recv_queue_before = 0; }), "");
    EXPECT_EQ(with([](AuditSocket& s) { s.recv_queue = 0; }), "");
    EXPECT_EQ(with([](AuditSocket& s) {
                  s.recv_buffer = 0;
                  s.since_data_came = 0ms;
              }),
              "");
    EXPECT_EQ(with([](AuditSocket& s) { s.held = false; }), "") << "is not accepted yet";
    EXPECT_EQ(with([](AuditSocket& s) { s.state = TcpState::kCloseWait; }), "recv_queue:warning");
    EXPECT_EQ(with([](AuditSocket& s) {
                  s.state = TcpState::kCloseWait;
                  s.recv_queue = 1;
              }),
              "")
        << "the FIN counts as a byte";
}

TEST(ReadingRules, TcpTellsWhoAndHowMuch)
{
    World world;
    for (int at = 0; at < 5; ++at) {
        unread(world, at == 0 ? 700 : 0, 90s);
    }
    const Finding finding = world.finding();
    EXPECT_EQ(number(finding, "sockets"), 5);
    EXPECT_EQ(number(finding, "bytes"), 500);
    EXPECT_EQ(number(finding, "half_full"), 1);
    EXPECT_EQ(number(finding, "unread_at_least_ms"), 90'000);
    EXPECT_EQ(finding.process->pid, 812U);
    EXPECT_EQ(finding.advice.front().command, "cat /proc/812/stack /proc/812/wchan");
}

TEST(ReadingRules, Udp)
{
    struct Case {
        const char* what;
        std::uint32_t before;
        std::uint32_t now;
        std::uint64_t drops_before;
        std::uint64_t drops;
        const char* expected;
    };
    for (const Case& each : {Case{"empty", 0, 0, 0, 0, ""}, Case{"old drops", 0, 0, 9, 9, ""},
                             Case{"a burst lost some", 0, 0, 9, 10, "udp_recv_queue:critical"},
                             Case{"below half", 499, 499, 0, 0, ""},
                             Case{"half, and more comes", 500, 600, 0, 0, "udp_recv_queue:warning"},
                             Case{"half, and it is read", 600, 599, 0, 0, ""},
                             Case{"full", 999, 999, 4, 9, "udp_recv_queue:critical"}}) {
        World world;
        AuditSocket& socket = world.add(TcpState::kClose);
        socket.udp = true;
        socket.recv_buffer = 1000;
        socket.recv_queue_before = each.before;
        socket.recv_queue = each.now;
        socket.drops_before = each.drops_before;
        socket.drops = each.drops;
        EXPECT_EQ(world.ids(), each.expected) << each.what;
    }
    World world; // opened between the looks; its drops began then
    AuditSocket& socket = world.add(TcpState::kClose);
    socket.udp = true;
    socket.recv_buffer = 1000;
    socket.recv_queue = 999;
    socket.drops = 5;
    EXPECT_EQ(world.ids(), "");
}

} // namespace
} // namespace tcpledger
