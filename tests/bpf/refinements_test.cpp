// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What refined programs put into the ring, for traffic whose truth the test knows from its
// own sockets. Skipped where the kernel has no trampolines; the guests of
// scripts/test-kernels have them.
#include "kernel/tracer.hpp"

#include "kernel/libbpf_log.hpp"
#include "private_network.hpp"
#include "shared/events.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace tcpledger {
namespace {

using test::accept_from;
using test::BoundSocket;
using test::close_in_turn;
using test::connect_to;
using test::listen_on_loopback;
using test::PrivateNetwork;

enum State { kEstab = 1, kFin2 = 5, kTimeWait = 6, kClose = 7, kListen = 10, kNewSynRecv = 12 };

using Way = std::pair<int, int>;

struct Seen {
    tl_transition transition{};
    tl_process process{};

    [[nodiscard]] int kind() const { return transition.header.kind; }
    [[nodiscard]] Way way() const { return {transition.old_state, transition.new_state}; }
    [[nodiscard]] bool is_between(std::uint16_t local, std::uint16_t remote) const
    {
        return transition.local_port == local && transition.remote_port == remote;
    }
};

void write_sysctl(const char* name, const char* value)
{
    std::ofstream out(std::string("/proc/sys/net/ipv4/") + name);
    out << value << std::flush;
    ASSERT_TRUE(out) << name;
}

class RefinementsTest : public testing::TestWithParam<int> {
protected:
    /// One for all tests, because to load it takes its time; each has its own namespace.
    static void SetUpTestSuite()
    {
        route_libbpf_messages();
        tracer_.emplace(Tracer::open({.hooks = HookMode::kFentry}));
    }
    static void TearDownTestSuite() { tracer_.reset(); }

    void SetUp() override
    {
        if (!*tracer_) {
            GTEST_SKIP() << tracer_->error().message();
        }
    }

    /// All records of `kind` in this test's namespace so far.
    std::vector<Seen> seen(int kind)
    {
        network_.wait_until_quiet();
        (*tracer_)->drain([&](const void* data, std::size_t size) {
            Seen one;
            if (size >= sizeof(one.transition)) {
                std::memcpy(&one, data, std::min(size, sizeof(tl_owned_transition)));
                if (one.transition.netns_inum == network_.inum()) {
                    all_.push_back(one);
                }
            }
        });
        std::vector<Seen> chosen;
        for (const Seen& one : all_) {
            if (one.kind() == kind) {
                chosen.push_back(one);
            }
        }
        return chosen;
    }

    /// The ways of the mini-sockets between these ports, when there are `count` of them.
    std::vector<Way> ways(std::uint16_t local, std::uint16_t remote, std::size_t count)
    {
        std::vector<Way> found;
        for (int i = 0; i < 500 && found.size() < count; ++i) {
            found.clear();
            for (const Seen& one : seen(TL_RECORD_MINI_SOCKET)) {
                if (one.is_between(local, remote)) {
                    EXPECT_EQ(one.transition.cookie, 0U);
                    EXPECT_NE(one.transition.sock, 0U);
                    found.push_back(one.way());
                }
            }
            ::usleep(10'000);
        }
        return found;
    }

    PrivateNetwork network_;
    static inline std::optional<Expected<Tracer>> tracer_;
    std::vector<Seen> all_;
};

TEST_P(RefinementsTest, AcceptNamesTheProcessThatAccepts)
{
    const BoundSocket listener = listen_on_loopback(GetParam());
    const BoundSocket client = connect_to(listener);
    EXPECT_EQ(seen(TL_RECORD_ACCEPTED).size(), 0U) << "it waits in the queue";
    int cookie_pipe[2];
    ASSERT_EQ(0, ::pipe(cookie_pipe));
    const pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_NAME, "acceptor");
        const BoundSocket server = accept_from(listener);
        const std::uint64_t cookie = server.cookie();
        std::ignore = ::write(cookie_pipe[1], &cookie, sizeof(cookie));
        ::_exit(0);
    }
    std::uint64_t cookie = 0;
    ASSERT_EQ(static_cast<ssize_t>(sizeof(cookie)),
              ::read(cookie_pipe[0], &cookie, sizeof(cookie)));
    int status = 0;
    ASSERT_EQ(child, ::waitpid(child, &status, 0));
    const std::vector<Seen> accepted = seen(TL_RECORD_ACCEPTED);
    ASSERT_EQ(accepted.size(), 1U);
    EXPECT_EQ(accepted[0].process.tgid, static_cast<std::uint32_t>(child));
    EXPECT_STREQ(accepted[0].process.comm, "acceptor");
    EXPECT_EQ(accepted[0].transition.cookie, cookie);
    EXPECT_EQ(accepted[0].way(), Way(kEstab, kEstab));
    EXPECT_TRUE(accepted[0].is_between(listener.port(), client.port()));
    EXPECT_EQ(accepted[0].transition.family, GetParam());
    EXPECT_EQ(accepted[0].transition.flags & TL_FLAG_KERNEL_THREAD, 0);
    ::close(cookie_pipe[0]);
    ::close(cookie_pipe[1]);
}

TEST_P(RefinementsTest, AcceptThatGetsNothingIsNone)
{
    const BoundSocket listener = listen_on_loopback(GetParam());
    ASSERT_EQ(0, ::fcntl(listener.fd.get(), F_SETFL, O_NONBLOCK));
    EXPECT_EQ(-1, ::accept4(listener.fd.get(), nullptr, nullptr, 0));
    EXPECT_EQ(seen(TL_RECORD_ACCEPTED).size(), 0U);
}

TEST_P(RefinementsTest, TimeWaitByTheFinOfThePeer)
{
    const BoundSocket listener = listen_on_loopback(GetParam());
    BoundSocket client = connect_to(listener);
    BoundSocket server = accept_from(listener);
    const std::uint64_t cookie = client.cookie();
    client.fd.reset();
    network_.wait_until_quiet(); // its FIN has been acknowledged
    server.fd.reset();
    const std::vector<Way> mini = ways(client.port(), listener.port(), 1);
    const std::vector<Seen> left = seen(TL_RECORD_LEFT_BEHIND);
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].transition.cookie, cookie);
    EXPECT_EQ(left[0].way(), Way(kFin2, kFin2));
    EXPECT_TRUE(left[0].is_between(client.port(), listener.port()));
    EXPECT_EQ(mini, (std::vector<Way>{{kFin2, kTimeWait}}));
}

TEST_P(RefinementsTest, TimeWaitAtOnceAfterAHalfClose)
{
    const BoundSocket listener = listen_on_loopback(GetParam());
    BoundSocket client = connect_to(listener);
    BoundSocket server = accept_from(listener);
    char byte = 0;
    ASSERT_EQ(0, ::shutdown(client.fd.get(), SHUT_WR));
    ASSERT_EQ(0, ::read(server.fd.get(), &byte, 1));
    server.fd.reset();
    ASSERT_EQ(0, ::read(client.fd.get(), &byte, 1));
    const std::vector<Seen> left = seen(TL_RECORD_LEFT_BEHIND);
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].way(), Way(kFin2, kTimeWait));
}

/// TCPTimeWaitOverflow: the transitions are the same, but nothing is left behind.
TEST_P(RefinementsTest, NoTimeWaitWhereThereIsNoRoom)
{
    write_sysctl("tcp_max_tw_buckets", "0");
    const BoundSocket listener = listen_on_loopback(GetParam());
    BoundSocket client = connect_to(listener);
    BoundSocket server = accept_from(listener);
    const std::uint64_t cookie = client.cookie();
    close_in_turn(client, server);
    bool closed = false;
    for (int i = 0; i < 500 && !closed; ++i) {
        for (const Seen& one : seen(TL_RECORD_TRANSITION)) {
            closed = closed || (one.transition.cookie == cookie && one.way().second == kClose);
        }
        ::usleep(10'000);
    }
    EXPECT_TRUE(closed);
    EXPECT_EQ(seen(TL_RECORD_LEFT_BEHIND).size(), 0U);
}

/// The SYN-ACK is lost on a client that hears nothing; when it has gone, it is refused.
TEST_P(RefinementsTest, HalfOpenFromTheSynToTheReset)
{
    const BoundSocket listener = listen_on_loopback(GetParam());
    BoundSocket client{UniqueFd(::socket(GetParam(), SOCK_STREAM | SOCK_NONBLOCK, 0))};
    sock_filter drop[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
    const sock_fprog program{1, drop};
    ASSERT_EQ(
        0, ::setsockopt(client.fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
    EXPECT_EQ(-1, ::connect(client.fd.get(), reinterpret_cast<const sockaddr*>(&listener.address),
                            listener.length));
    test::learn_name(client);
    EXPECT_EQ(ways(listener.port(), client.port(), 1), (std::vector<Way>{{kListen, kNewSynRecv}}));
    const std::vector<Seen> requests = seen(TL_RECORD_MINI_SOCKET);
    ASSERT_EQ(requests.size(), 1U);
    EXPECT_NE(requests[0].transition.listener_sock, 0U);
    client.fd.reset();
    EXPECT_EQ(ways(listener.port(), client.port(), 2),
              (std::vector<Way>{{kListen, kNewSynRecv}, {kNewSynRecv, kClose}}));
}

TEST_P(RefinementsTest, ARequestEndsWithTheHandshake)
{
    const BoundSocket listener = listen_on_loopback(GetParam());
    const BoundSocket client = connect_to(listener);
    const BoundSocket server = accept_from(listener);
    EXPECT_EQ(ways(listener.port(), client.port(), 2),
              (std::vector<Way>{{kListen, kNewSynRecv}, {kNewSynRecv, kClose}}));
}

TEST_P(RefinementsTest, NoRequestBehindASynCookie)
{
    write_sysctl("tcp_syncookies", "2");
    const BoundSocket listener = listen_on_loopback(GetParam());
    const BoundSocket client = connect_to(listener);
    const BoundSocket server = accept_from(listener);
    ASSERT_EQ(seen(TL_RECORD_ACCEPTED).size(), 1U);
    EXPECT_EQ(seen(TL_RECORD_MINI_SOCKET).size(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Families, RefinementsTest, testing::Values(AF_INET, AF_INET6),
                         [](const auto& family) {
                             return family.param == AF_INET ? "IPv4" : "IPv6";
                         });

TEST(Refinements, TracepointsAloneMeansThat)
{
    Expected<Tracer> tracer = Tracer::open({.hooks = HookMode::kTracepoints});
    ASSERT_TRUE(tracer) << tracer.error().message();
    for (const Tells what : {Tells::kAccept, Tells::kTimeWaitBegin, Tells::kTimeWaitMove,
                             Tells::kTimeWaitEnd, Tells::kRequestBegin, Tells::kRequestEnd}) {
        EXPECT_FALSE(tracer->is_refined(what));
    }
}

} // namespace
} // namespace tcpledger
