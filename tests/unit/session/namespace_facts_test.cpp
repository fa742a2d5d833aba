// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which interface and which ports a socket's namespace has, and when the host is asked again.
#include "session/namespace_facts.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;

struct Facts : testing::Test {
    FactsByNamespace host{{1, {{{1, "lo"}, {2, "eth0"}}, {32768, 60999}}},
                          {2, {{{1, "lo"}, {7, "eth0"}}, {10000, 10009}}}};
    std::chrono::nanoseconds clock = 100s;
    std::chrono::nanoseconds cost = 1ms;
    int readings = 0;
    NamespaceFacts facts{[this] {
                             ++readings;
                             clock += cost;
                             return host;
                         },
                         [this] { return clock; }};

    SocketView view(std::uint32_t netns, std::uint32_t interface, std::uint16_t port,
                    PortOrigin origin = PortOrigin::kUnknown)
    {
        SocketView view;
        view.tuple.netns_inum = netns;
        view.tuple.local.port = port;
        view.interface_index = interface;
        view.port_origin = origin;
        facts.complete(view);
        return view;
    }
    std::string_view name(std::uint32_t netns, std::uint32_t interface)
    {
        return view(netns, interface, 1).interface_name;
    }
};

TEST_F(Facts, AreThoseOfTheSocketsOwnNamespace)
{
    EXPECT_EQ(name(1, 2), "eth0");
    EXPECT_EQ(name(2, 7), "eth0");
    EXPECT_EQ(name(1, 0), "");
    EXPECT_TRUE(view(1, 0, 40000).autobound);
    EXPECT_FALSE(view(2, 0, 40000).autobound);
    EXPECT_TRUE(view(2, 0, 10009).autobound);
    EXPECT_EQ(readings, 1);
}

TEST_F(Facts, APortThatIsStillToBeChosenIsAutobound)
{
    EXPECT_TRUE(view(1, 0, 0, PortOrigin::kChosen).autobound);
    EXPECT_FALSE(view(1, 0, 0, PortOrigin::kGiven).autobound);
    EXPECT_FALSE(view(1, 0, 0).autobound);
}

TEST_F(Facts, OfWhatIsNewAreAskedForAtOnce)
{
    EXPECT_EQ(name(1, 2), "eth0");
    host[3] = {{{4, "eth9"}}, {}};
    host[1].interfaces[5] = "veth5";
    EXPECT_EQ(name(3, 4), "eth9");
    EXPECT_EQ(name(1, 5), "veth5");
    EXPECT_EQ(readings, 2) << "one reading tells both";
}

TEST_F(Facts, OfWhatIsNotThereAreAskedForOnce)
{
    EXPECT_EQ(name(1, 99), "");
    EXPECT_EQ(name(1, 99), "");
    EXPECT_EQ(name(9, 1), "");
    EXPECT_EQ(name(9, 1), "");
    EXPECT_TRUE(view(9, 1, 40000).autobound) << "the kernel's default range";
    EXPECT_EQ(readings, 2);
    clock += 11s;
    host[9] = {{{1, "lo"}}, {}};
    EXPECT_EQ(name(9, 1), "lo");
}

TEST_F(Facts, AreReadAgainAfterAWhile)
{
    EXPECT_EQ(name(1, 2), "eth0");
    host[1].interfaces[2] = "wan";
    EXPECT_EQ(name(1, 2), "eth0");
    clock += 11s;
    EXPECT_EQ(name(1, 2), "wan");
}

TEST_F(Facts, ThatAreDearAreReadLessOften)
{
    cost = 1s;
    EXPECT_EQ(name(1, 2), "eth0");
    clock += 50s;
    EXPECT_EQ(name(1, 2), "eth0");
    EXPECT_EQ(readings, 1);
    clock += 60s;
    EXPECT_EQ(name(1, 2), "eth0");
    EXPECT_EQ(readings, 2);
}

TEST(FactsOfThisHost, HaveTheLoopback)
{
    bool found = false;
    for (const auto& [inum, facts] : read_namespace_facts()) {
        const auto loopback = facts.interfaces.find(1);
        found = found || (loopback != facts.interfaces.end() && loopback->second == "lo");
    }
    EXPECT_TRUE(found);
}

} // namespace
} // namespace tcpledger
