// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What iter/tcp counts, against half-open requests the test made.
#include "kernel/request_count.hpp"

#include "kernel/libbpf_log.hpp"
#include "private_network.hpp"

#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <vector>

namespace tcpledger {
namespace {

class Requests : public ::testing::Test {
protected:
    void SetUp() override
    {
        route_libbpf_messages();
        ASSERT_TRUE(count) << count.error().message();
    }
    /// Of the namespace that the thread is in.
    [[nodiscard]] std::uint64_t now(std::uint32_t listeners) const
    {
        const Expected<UniqueFd> walk = count->begin();
        EXPECT_TRUE(walk) << walk.error().message();
        const Expected<std::uint64_t> requests = count->take(*walk, listeners);
        EXPECT_TRUE(requests) << requests.error().message();
        return requests.value_or(9999);
    }
    /// One whose requests stay half-open until the client has sent something.
    static test::BoundSocket defer_at(int family)
    {
        test::BoundSocket listener = test::listen_on_loopback(family);
        const int seconds = 100;
        EXPECT_EQ(0, ::setsockopt(listener.fd.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds,
                                  sizeof(seconds)));
        return listener;
    }

    const Expected<RequestCount> count = RequestCount::open();
};

TEST_F(Requests, AreCountedAtAllListeners)
{
    const test::PrivateNetwork network;
    const test::BoundSocket four = defer_at(AF_INET);
    const test::BoundSocket six = defer_at(AF_INET6);
    const test::BoundSocket plain = test::listen_on_loopback(AF_INET);
    EXPECT_EQ(now(3), 0U);

    std::vector<test::BoundSocket> clients;
    clients.push_back(test::connect_to(four));
    clients.push_back(test::connect_to(four));
    clients.push_back(test::connect_to(six));
    clients.push_back(test::connect_to(plain)); // whole at once
    EXPECT_EQ(now(3), 3U);
    EXPECT_EQ(now(10), 3U) << "and no further than the connections";

    ASSERT_EQ(1, ::send(clients.front().fd.get(), "x", 1, 0));
    const test::BoundSocket accepted = test::accept_from(four);
    EXPECT_EQ(now(3), 2U);
}

TEST_F(Requests, OfAnotherNamespaceAreNotCounted)
{
    const test::PrivateNetwork other;
    const test::BoundSocket listener = defer_at(AF_INET);
    const test::BoundSocket client = test::connect_to(listener);
    const Expected<UniqueFd> walk = count->begin();
    ASSERT_TRUE(walk);
    {
        const test::PrivateNetwork network;
        const test::BoundSocket mine = defer_at(AF_INET);
        EXPECT_EQ(now(1), 0U);
        EXPECT_EQ(count->take(*walk, 1).value_or(9999), 1U) << "of where it began";
    }
    EXPECT_EQ(now(1), 1U);
}

} // namespace
} // namespace tcpledger
