// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the programs put into the ring, field by field, for traffic whose truth the
// test knows from its own sockets.
#include "kernel/tracer.hpp"

#include "procfs/processes.hpp"
#include "tracer_fixture.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tcpledger {
namespace {

using namespace test;

TEST_F(TracerTest, AnActiveConnectionFromConnectToClose)
{
    const BoundSocket listener = listen_on_loopback(AF_INET);
    BoundSocket client = connect_to(listener);
    BoundSocket server = accept_from(listener);
    const std::uint64_t client_cookie = client.cookie();
    const std::uint64_t server_cookie = server.cookie();
    const std::uint16_t client_port = client.port();
    close_in_turn(client, server);

    const std::vector<Seen> all = drain();
    const std::vector<Seen> active = of(all, client_cookie);
    EXPECT_EQ(path(active), (Path{{kClose, kSynSent},
                                  {kSynSent, kEstab},
                                  {kEstab, kFin1},
                                  {kFin1, kFin2},
                                  {kFin2, kClose}}));
    EXPECT_EQ(
        path(of(all, server_cookie)),
        (Path{
            {kSynRecv, kEstab}, {kEstab, kCloseWait}, {kCloseWait, kLastAck}, {kLastAck, kClose}}));
    ASSERT_EQ(active.size(), 5U);
    EXPECT_EQ(active[0].transition.local_port, 0) << "connect() has no port yet";
    EXPECT_EQ(active[1].transition.local_port, client_port);
    EXPECT_EQ(active[4].transition.local_port, client_port) << "put back, but remembered";
    for (const Seen& seen : active) {
        EXPECT_EQ(seen.transition.remote_port, listener.port());
        EXPECT_EQ(seen.transition.family, AF_INET);
        EXPECT_EQ(seen.transition.port_origin, TL_PORT_NOT_TOLD) << "nobody asked";
        EXPECT_EQ(seen.transition.listener_sock, 0U);
    }
    EXPECT_EQ(active[1].transition.addresses.ipv4.local, htonl(INADDR_LOOPBACK));
    EXPECT_EQ(active[1].transition.addresses.ipv4.remote, htonl(INADDR_LOOPBACK));
}

TEST_F(TracerTest, OwnersOnlyWhereTheContextIsTheCallers)
{
    const BoundSocket listener = listen_on_loopback(AF_INET);
    BoundSocket client = connect_to(listener);
    BoundSocket server = accept_from(listener);
    close_in_turn(client, server);

    const ProcFs proc;
    const auto stat = proc.stat(static_cast<std::uint32_t>(::getpid()));
    ASSERT_TRUE(stat);
    for (const Seen& seen : drain()) {
        const int from = seen.transition.old_state;
        const int to = seen.transition.new_state;
        const bool by_caller = from == kClose || (from == kEstab && to == kFin1) ||
                               (from == kCloseWait && to == kLastAck);
        EXPECT_EQ(seen.owned, by_caller) << from << " -> " << to;
        if (seen.owned) {
            EXPECT_EQ(seen.process.tgid, static_cast<std::uint32_t>(::getpid()));
            EXPECT_EQ(seen.process.uid, ::getuid());
            EXPECT_EQ(seen.process.start_ns / 10'000'000, stat->start_ticks);
            EXPECT_EQ(std::string(seen.process.comm), stat->comm);
        }
    }
}

TEST_F(TracerTest, AThreadsRecordNamesItsProcess)
{
    const BoundSocket listener = listen_on_loopback(AF_INET);
    (void)drain();
    pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_NAME, "worker\x1b[31m");
        const BoundSocket client = connect_to(listener);
        ::_exit(client.fd.valid() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(child, ::waitpid(child, &status, 0));
    const std::vector<Seen> all = drain();
    const auto opening = std::ranges::find_if(
        all, [](const Seen& seen) { return seen.transition.new_state == kSynSent; });
    ASSERT_NE(opening, all.end());
    EXPECT_EQ(opening->process.tgid, static_cast<std::uint32_t>(child));
    EXPECT_EQ(std::string(opening->process.comm), "worker\x1b[31m") << "bytes as they are";
    EXPECT_TRUE(std::ranges::any_of(process_events_, [&](const tl_process_event& event) {
        return event.header.kind == TL_RECORD_PROCESS_EXIT &&
               event.process.tgid == static_cast<std::uint32_t>(child);
    }));
}

TEST_F(TracerTest, AClonesRecordNamesItsVeryListener)
{
    const BoundSocket first = listen_on_loopback(AF_INET6);
    const BoundSocket second = listen_on_loopback(AF_INET6);
    const BoundSocket client = connect_to(second);
    const BoundSocket server = accept_from(second);

    const std::vector<Seen> all = drain();
    std::uint64_t second_sock = 0;
    for (const Seen& seen : of(all, second.cookie())) {
        second_sock = seen.transition.sock;
    }
    ASSERT_NE(second_sock, 0U);
    const auto clone = std::ranges::find_if(
        all, [](const Seen& seen) { return seen.transition.old_state == kListen; });
    ASSERT_NE(clone, all.end());
    EXPECT_EQ(clone->transition.new_state, kSynRecv);
    EXPECT_EQ(clone->transition.cookie, 0U) << "not yet settled";
    EXPECT_EQ(clone->transition.listener_sock, second_sock);
    const std::vector<Seen> passive = of(all, server.cookie());
    ASSERT_EQ(passive.size(), 1U);
    EXPECT_EQ(passive[0].transition.sock, clone->transition.sock);
    EXPECT_EQ(passive[0].transition.family, AF_INET6);
    EXPECT_EQ(passive[0].transition.remote_port, client.port());
}

TEST_F(TracerTest, FinReceivedTellsTimeWaitFromFinWait2)
{
    const BoundSocket listener = listen_on_loopback(AF_INET);
    BoundSocket early = connect_to(listener);
    const BoundSocket keeps_open = accept_from(listener);
    const std::uint64_t early_cookie = early.cookie();
    early.fd.reset(); // the peer never closes: a mini-socket in FIN_WAIT2
    std::vector<Seen> last;
    for (int i = 0; i < 50 && last.empty(); ++i) { // the ACK of the FIN may be delayed
        ::usleep(10'000);
        for (const Seen& seen : of(drain(), early_cookie)) {
            if (seen.transition.new_state == kClose) {
                last.push_back(seen);
            }
        }
    }
    ASSERT_EQ(last.size(), 1U);
    EXPECT_EQ(last[0].transition.flags & TL_FLAG_FIN_RECEIVED, 0);
    EXPECT_NE(last[0].transition.flags & TL_FLAG_ORPHANED, 0);

    BoundSocket both = connect_to(listener);
    BoundSocket peer = accept_from(listener);
    const std::uint64_t both_cookie = both.cookie();
    ASSERT_EQ(0, ::shutdown(both.fd.get(), SHUT_WR));
    char byte = 0;
    ASSERT_EQ(0, ::read(peer.fd.get(), &byte, 1));
    peer.fd.reset();
    ASSERT_EQ(0, ::read(both.fd.get(), &byte, 1));
    const std::vector<Seen> path_of_both = of(drain(), both_cookie);
    ASSERT_FALSE(path_of_both.empty());
    EXPECT_EQ(path_of_both.back().transition.new_state, kClose);
    EXPECT_NE(path_of_both.back().transition.flags & TL_FLAG_FIN_RECEIVED, 0);
}

TEST_F(TracerTest, AResetLeavesItsErrorInTheRecord)
{
    const BoundSocket listener = listen_on_loopback(AF_INET);
    const BoundSocket client = connect_to(listener);
    BoundSocket server = accept_from(listener);
    const linger abort_at_close{1, 0};
    ASSERT_EQ(0, ::setsockopt(server.fd.get(), SOL_SOCKET, SO_LINGER, &abort_at_close,
                              sizeof(abort_at_close)));
    server.fd.reset();
    const std::vector<Seen> active = of(drain(), client.cookie());
    ASSERT_FALSE(active.empty());
    EXPECT_EQ(active.back().transition.new_state, kClose);
    EXPECT_EQ(active.back().transition.error, ECONNRESET);
}

/// Connected, with mark 7, bound to lo and to a port, or to one that the kernel chooses.
BoundSocket bound_client(const BoundSocket& listener, std::uint16_t port)
{
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int mark = 7;
    EXPECT_EQ(0, ::setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)));
    EXPECT_EQ(0, ::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    EXPECT_EQ(0, ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)));
    address.sin_port = htons(listener.port());
    EXPECT_EQ(0, ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)));
    return BoundSocket{UniqueFd(fd), {}, 0};
}

struct BindingsTest : TracerTest {
    void SetUp() override { open({.hooks = HookMode::kTracepoints, .bindings = true}); }
};

TEST_F(BindingsTest, AreToldWhereTheyAreAskedFor)
{
    const BoundSocket listener = listen_on_loopback(AF_INET);
    const BoundSocket given = bound_client(listener, 41234);
    const BoundSocket chosen = bound_client(listener, 0);
    const std::vector<Seen> all = drain();
    for (const auto& [socket, origin] :
         {std::pair(&given, TL_PORT_GIVEN), std::pair(&chosen, TL_PORT_CHOSEN)}) {
        const std::vector<Seen> own = of(all, socket->cookie());
        ASSERT_EQ(own.size(), 2U);
        for (const Seen& seen : own) {
            EXPECT_EQ(seen.transition.binding.mark, 7U);
            EXPECT_EQ(seen.transition.binding.interface_index, 1U);
            EXPECT_EQ(seen.transition.port_origin, origin);
        }
    }
}

TEST_F(TracerTest, ASecondProgramSendsNothingTwiceAndLeavesNothingOut)
{
    for (int i = 0; i < 500; ++i) {
        BoundSocket listener = listen_on_loopback(AF_INET);
        BoundSocket client = connect_to(listener);
        BoundSocket server = accept_from(listener);
        close_in_turn(client, server);
    }
    EXPECT_EQ(tracer_->losses().total(), 0U);
    std::map<std::pair<std::uint64_t, int>, int> times; // by socket and new state
    for (const Seen& seen : drain()) {
        if (seen.transition.cookie != 0) {
            ++times[{seen.transition.cookie, seen.transition.new_state}];
        }
    }
    std::map<int, int> sockets; // by state
    for (const auto& [key, count] : times) {
        EXPECT_EQ(count, 1) << "state " << key.second;
        ++sockets[key.second];
    }
    EXPECT_EQ(sockets[kListen], 500);
    EXPECT_EQ(sockets[kEstab], 1000);
    EXPECT_EQ(sockets[kClose], 1500);
}

TEST(TracerLoss, AFullRingIsCountedToTheRecord)
{
    route_libbpf_messages();
    const PrivateNetwork network;
    Expected<Tracer> tracer = Tracer::open({.ring_bytes = 4096});
    ASSERT_TRUE(tracer) << tracer.error().message();
    for (int i = 0; i < 2000; ++i) {
        BoundSocket listener = listen_on_loopback(AF_INET); // two transitions
    }
    pollfd wake{tracer->fd(), POLLIN, 0};
    EXPECT_EQ(1, ::poll(&wake, 1, 0)) << "past a quarter the reader is woken";
    std::uint64_t received = 0;
    tracer->drain([&](const void*, std::size_t) { ++received; });
    const TracerLosses losses = tracer->losses();
    EXPECT_GT(losses.ring_full, 0U);
    EXPECT_GE(received + losses.ring_full + losses.recursion, 4000U);
    std::uint64_t later = 0;
    {
        BoundSocket listener = listen_on_loopback(AF_INET);
    }
    tracer->drain([&](const void*, std::size_t) { ++later; });
    EXPECT_GE(later, 2U) << "there is room again";
}

} // namespace
} // namespace tcpledger
