// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Whether each transition has the time at which it happened, wherever the program has it from: a
// time that the kernel left in the socket earlier would be before the step that brought it about.
#include "procfs/clock.hpp"
#include "tracer_fixture.hpp"

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>
#include <vector>

namespace tcpledger {
namespace {

using namespace test;

class MomentTest : public TracerTest {
protected:
    /// Takes the step, long after the one before; the ways of its transitions, in their order. Each
    /// must have happened since its beginning.
    Path step(const std::function<void()>& action)
    {
        ::usleep(20'000);
        const auto began = monotonic_now();
        action();
        const std::vector<Seen> seen = drain();
        for (const Seen& one : seen) {
            const std::chrono::nanoseconds time{one.transition.header.time_ns};
            EXPECT_GE(time, began)
                << int{one.transition.old_state} << " -> " << int{one.transition.new_state};
            EXPECT_LE(time, monotonic_now());
        }
        return path(seen);
    }
};

TEST_F(MomentTest, OfALifeOneStepAtATime)
{
    const BoundSocket listener = listen_on_loopback(AF_INET);
    (void)drain();
    BoundSocket client;
    BoundSocket server;
    EXPECT_EQ(
        step([&] { client = connect_to(listener); }),
        (Path{{kClose, kSynSent}, {kSynSent, kEstab}, {kListen, kSynRecv}, {kSynRecv, kEstab}}));
    server = accept_from(listener);
    EXPECT_EQ(step([&] { ::shutdown(client.fd.get(), SHUT_WR); }),
              (Path{{kEstab, kFin1}, {kEstab, kCloseWait}, {kFin1, kFin2}}));
    EXPECT_EQ(step([&] { server.fd.reset(); }),
              (Path{{kCloseWait, kLastAck}, {kFin2, kClose}, {kLastAck, kClose}}));
}

TEST_F(MomentTest, OfACloseLongAfterTheLastPacket)
{
    const BoundSocket listener = listen_on_loopback(AF_INET);
    BoundSocket client = connect_to(listener);
    const BoundSocket server = accept_from(listener);
    ::shutdown(client.fd.get(), SHUT_WR);
    (void)drain();
    EXPECT_EQ(step([&] { client.fd.reset(); }), (Path{{kFin2, kClose}}));
}

TEST_F(MomentTest, OfWhatIsResetLongAfterTheLastPacket)
{
    BoundSocket listener = listen_on_loopback(AF_INET6);
    const BoundSocket accepted = connect_to(listener);
    const BoundSocket second = connect_to(listener);
    const BoundSocket third = connect_to(listener);
    (void)accept_from(listener); // and closed at once
    (void)drain();
    const Path ways = step([&] { listener.fd.reset(); });
    EXPECT_EQ(std::ranges::count(ways, std::pair<int, int>{kEstab, kClose}), 4)
        << "both ends of what nobody has accepted";
}

/// TCP_REPAIR connects without a packet, so nobody reads the clock for it.
TEST_F(MomentTest, OfARestoredConnection)
{
    const BoundSocket listener = listen_on_loopback(AF_INET);
    BoundSocket restored{UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))};
    const int on = 1;
    if (::setsockopt(restored.fd.get(), IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) != 0) {
        GTEST_SKIP() << "this kernel restores no connections";
    }
    (void)drain();
    EXPECT_EQ(step([&] {
                  EXPECT_EQ(0, ::connect(restored.fd.get(),
                                         reinterpret_cast<const sockaddr*>(&listener.address),
                                         listener.length));
              }),
              (Path{{kClose, kSynSent}, {kSynSent, kEstab}}));
}

} // namespace
} // namespace tcpledger
