// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the programs leave out, and what they must not: connections whose truth the test knows from
// its own sockets, asked for by each kind of case.
#include "filter/cases.hpp"
#include "tracer_fixture.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace tcpledger {
namespace {

using namespace test;

const Path kActive = {
    {kClose, kSynSent}, {kSynSent, kEstab}, {kEstab, kFin1}, {kFin1, kFin2}, {kFin2, kClose}};
const Path kPassive = {
    {kSynRecv, kEstab}, {kEstab, kCloseWait}, {kCloseWait, kLastAck}, {kLastAck, kClose}};
const Path kClone = {{kListen, kSynRecv}};

/// A connection from its connect() to its last transition; the client closes first.
struct Exchange {
    std::uint64_t client = 0; ///< cookies
    std::uint64_t server = 0;
};

Exchange exchange(const BoundSocket& listener)
{
    BoundSocket client = connect_to(listener);
    BoundSocket server = accept_from(listener);
    Exchange done{client.cookie(), server.cookie()};
    close_in_turn(client, server);
    return done;
}

class SelectionTest : public TracerTest {
protected:
    void SetUp() override {} // each test says what it asks for

    void open(const tl_case& one, bool last_acks = false)
    {
        TracerTest::open({.hooks = HookMode::kTracepoints, .cases = {one}, .last_acks = last_acks});
    }

    /// Of a socket; 0: of clones, whose cookie is not settled.
    static Path path(const std::vector<Seen>& all, std::uint64_t cookie)
    {
        return TracerTest::path(of(all, cookie));
    }

    /// Another process does it, which then has ended.
    static void in_a_child(const std::function<void()>& what)
    {
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            what();
            ::_exit(0);
        }
        int status = 0;
        ASSERT_EQ(child, ::waitpid(child, &status, 0));
        ASSERT_EQ(0, status);
    }
};

TEST_F(SelectionTest, RemotePort)
{
    const BoundSocket listener = listen_on_loopback(AF_INET);
    tl_case one = any_case();
    one.remote_port_min = one.remote_port_max = listener.port();
    open(one);
    const Exchange made = exchange(listener);
    const auto seen = drain();
    EXPECT_EQ(path(seen, made.client), kActive);
    EXPECT_EQ(path(seen, 0), kClone) << "its remote end is not known yet";
    EXPECT_EQ(path(seen, made.server), Path());
}

TEST_F(SelectionTest, LocalPort)
{
    const BoundSocket listener = listen_on_loopback(AF_INET);
    tl_case one = any_case();
    one.local_port_min = one.local_port_max = listener.port();
    open(one);
    const Exchange made = exchange(listener);
    const auto seen = drain();
    EXPECT_EQ(path(seen, made.server), kPassive);
    EXPECT_EQ(path(seen, 0), kClone);
    EXPECT_EQ(path(seen, made.client), (Path{{kClose, kSynSent}, {kSynSent, kEstab}}))
        << "its port is not known yet, and the next tells it";
}

TEST_F(SelectionTest, ALocalPortIsRememberedToTheEnd)
{
    const BoundSocket listener = listen_on_loopback(AF_INET);
    BoundSocket client = connect_to(listener);
    BoundSocket server = accept_from(listener);
    const std::uint64_t cookie = client.cookie();
    tl_case one = any_case();
    one.local_port_min = one.local_port_max = client.port();
    open(one);
    close_in_turn(client, server);
    const auto seen = drain();
    EXPECT_EQ(path(seen, cookie), Path(kActive.begin() + 2, kActive.end()));
    EXPECT_EQ(seen.size(), 3U) << "the other end has that port on its other side";
}

TEST_F(SelectionTest, NetworkNamespace)
{
    tl_case one = any_case();
    one.netns_inum = network_.inum() + 1;
    open(one);
    exchange(listen_on_loopback(AF_INET));
    EXPECT_EQ(drain().size(), 0U);
    one.netns_inum = network_.inum();
    open(one);
    const Exchange made = exchange(listen_on_loopback(AF_INET));
    const auto seen = drain();
    EXPECT_EQ(path(seen, made.client), kActive);
    EXPECT_EQ(path(seen, made.server), kPassive);
    EXPECT_EQ(seen.size(), 12U) << "the listener and the clone too";
}

TEST_F(SelectionTest, ListenersAreAlwaysTold)
{
    tl_case one = any_case();
    one.remote_port_min = one.remote_port_max = 1;
    one.family = AF_INET6;
    open(one);
    {
        const BoundSocket listener = listen_on_loopback(AF_INET);
    }
    const auto seen = drain();
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(path(seen, seen[0].transition.cookie), (Path{{kClose, kListen}, {kListen, kClose}}));
}

TEST_F(SelectionTest, Family)
{
    const BoundSocket four = listen_on_loopback(AF_INET);
    const BoundSocket six = listen_on_loopback(AF_INET6);
    tl_case one = any_case();
    one.family = AF_INET6;
    open(one);
    exchange(four);
    EXPECT_EQ(drain().size(), 0U);
    Exchange made = exchange(six);
    EXPECT_EQ(path(drain(), made.client), kActive);
    one.family = 0;
    one.address_family = AF_INET;
    open(one);
    exchange(six);
    EXPECT_EQ(path(drain(), 0), kClone) << "a dual-stack listener's may be of either";
    made = exchange(four);
    const auto seen = drain();
    EXPECT_EQ(path(seen, made.client), kActive);
    EXPECT_EQ(path(seen, made.server), kPassive);
}

TEST_F(SelectionTest, MappedAddressesAreIPv4)
{
    BoundSocket listener{UniqueFd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0))};
    listener.address.sin6_family = AF_INET6;
    listener.address.sin6_addr.s6_addr[10] = listener.address.sin6_addr.s6_addr[11] = 0xff;
    listener.address.sin6_addr.s6_addr[12] = 127;
    listener.address.sin6_addr.s6_addr[15] = 1;
    ASSERT_EQ(0, ::bind(listener.fd.get(), reinterpret_cast<sockaddr*>(&listener.address),
                        listener.length));
    ASSERT_EQ(0, ::listen(listener.fd.get(), 16));
    test::learn_name(listener);
    tl_case one = any_case();
    one.address_family = AF_INET;
    open(one);
    const Exchange made = exchange(listener);
    EXPECT_EQ(path(drain(), made.client), kActive);
    one.address_family = AF_INET6;
    open(one);
    exchange(listener);
    EXPECT_EQ(drain().size(), 1U) << "the clone alone";
}

TEST_F(SelectionTest, OneConnectionByItsCookie)
{
    const BoundSocket listener = listen_on_loopback(AF_INET);
    BoundSocket client = connect_to(listener);
    BoundSocket server = accept_from(listener);
    const std::uint64_t cookie = client.cookie();
    const std::uint64_t other = server.cookie();
    tl_case one = any_case();
    one.cookie = cookie;
    open(one, true);
    exchange(listener);
    EXPECT_EQ(drain().size(), 1U) << "the end of the peer's LAST_ACK";
    close_in_turn(client, server);
    const auto seen = drain();
    EXPECT_EQ(path(seen, cookie), Path(kActive.begin() + 2, kActive.end()));
    EXPECT_EQ(path(seen, other), (Path{{kLastAck, kClose}}));
}

TEST_F(SelectionTest, AProcessByItsPid)
{
    tl_case one = any_case();
    one.pid = static_cast<std::uint32_t>(::getpid());
    open(one);
    const BoundSocket ours = listen_on_loopback(AF_INET); // marked by its listen()
    std::uint64_t newest = 0;
    in_a_child([] { exchange(listen_on_loopback(AF_INET)); });
    for (const Seen& seen : drain()) {
        newest = std::max(newest, std::uint64_t{seen.transition.cookie});
    }
    EXPECT_GT(newest, 0U) << "no mark is believed yet";

    tracer_->believe_marks(newest);
    in_a_child([] { exchange(listen_on_loopback(AF_INET)); });
    for (const auto& [transition, process, owned] : drain()) {
        // A CPU may still give cookies of an older batch; those pass.
        EXPECT_TRUE(transition.new_state == kListen || transition.old_state == kListen ||
                    transition.cookie <= newest)
            << int{transition.old_state} << " -> " << int{transition.new_state};
    }
    Exchange made = exchange(ours);
    auto seen = drain();
    EXPECT_EQ(path(seen, made.client), kActive) << "marked by connect()";
    EXPECT_EQ(path(seen, 0), kClone) << "its listener's clone";
    EXPECT_EQ(path(seen, made.server), kPassive);
}

TEST_F(SelectionTest, AListenerThatWasThereIsMarkedByTheWalk)
{
    const BoundSocket listener = listen_on_loopback(AF_INET);
    tl_case one = any_case();
    one.pid = static_cast<std::uint32_t>(::getpid());
    open(one);
    const SocketMarks marks = tracer_->marks();
    ASSERT_GE(marks.map_fd, 0);
    tracer_->believe_marks(1);
    in_a_child([&] { connect_to(listener); });
    BoundSocket accepted = accept_from(listener);
    const std::uint64_t unmarked = accepted.cookie();
    accepted.fd.reset();
    EXPECT_EQ(path(drain(), 0), Path()) << "its listener has no mark";

    const auto scan = TaskFileScan::open(false, marks);
    ASSERT_TRUE(scan) << scan.error().message();
    ASSERT_TRUE(scan->run([](const tl_holder&) {}));
    in_a_child([&] { connect_to(listener); });
    accepted = accept_from(listener);
    const std::uint64_t marked = accepted.cookie();
    accepted.fd.reset();
    const auto seen = drain();
    EXPECT_EQ(path(seen, 0), kClone);
    EXPECT_EQ(path(seen, marked), kPassive);
    EXPECT_EQ(path(seen, unmarked), Path());
}

TEST_F(SelectionTest, AProcessByItsUserAndCgroup)
{
    tl_case one = any_case();
    one.has_uid = 1;
    one.uid = ::getuid() + 1;
    open(one);
    tracer_->believe_marks(1);
    const BoundSocket listener = listen_on_loopback(AF_INET);
    exchange(listener);
    EXPECT_EQ(drain().size(), 1U) << "the listener alone";
    one.uid = ::getuid();
    open(one);
    tracer_->believe_marks(1);
    EXPECT_EQ(path(drain(), 0), Path());
    Exchange made = exchange(listener);
    EXPECT_EQ(path(drain(), made.client), kActive);
    one.has_uid = 0;
    one.cgroup_id = ~std::uint64_t{0};
    open(one);
    tracer_->believe_marks(1);
    made = exchange(listener);
    EXPECT_EQ(drain().size(), 0U);
}

} // namespace
} // namespace tcpledger
