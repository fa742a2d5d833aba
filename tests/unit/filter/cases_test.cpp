// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What of a filter the kernel is asked, and that nothing is left out which the filter accepts.
#include "filter/cases.hpp"

#include "filter/parser.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <random>
#include <string>

namespace tcpledger {
namespace {

Filter read(const std::string& text)
{
    auto filter = parse_filter(std::vector{text}, {});
    EXPECT_TRUE(filter) << text << ": " << filter.error().message();
    return filter ? std::move(*filter) : Filter();
}

std::vector<tl_case> cases(const std::string& text)
{
    return cases_of(read(text));
}

/// What the program in bpf/lib/selection.bpf.h decides of a socket of which all is known.
bool fits(const tl_case& one, const SocketView& socket)
{
    const FourTuple& tuple = socket.tuple;
    const std::uint8_t addresses = tuple.remote.address.is_ipv4() ? AF_INET : AF_INET6;
    const std::uint32_t pid = socket.owner ? socket.owner->pid : 0;
    return (one.netns_inum == 0 || one.netns_inum == tuple.netns_inum) &&
           (one.cookie == 0 || one.cookie == socket.cookie) &&
           (one.family == 0 || one.family == socket.family) &&
           (one.address_family == 0 || one.address_family == addresses) &&
           (one.pid == 0 || one.pid == pid) && (one.has_uid == 0 || one.uid == socket.uid) &&
           (one.cgroup_id == 0 || one.cgroup_id == socket.cgroup_id) &&
           one.local_port_min <= tuple.local.port && tuple.local.port <= one.local_port_max &&
           one.remote_port_min <= tuple.remote.port && tuple.remote.port <= one.remote_port_max;
}

bool fits(const std::vector<tl_case>& all, const SocketView& socket)
{
    return all.empty() ||
           std::ranges::any_of(all, [&](const tl_case& one) { return fits(one, socket); });
}

TEST(Cases, OneConditionEach)
{
    const auto remote = cases("dport = :443");
    ASSERT_EQ(remote.size(), 1U);
    EXPECT_EQ(remote[0].remote_port_min, 443);
    EXPECT_EQ(remote[0].remote_port_max, 443);
    EXPECT_EQ(remote[0].local_port_min, 0);
    EXPECT_EQ(remote[0].local_port_max, 65535);
    const auto local = cases("sport >= 1024");
    ASSERT_EQ(local.size(), 1U);
    EXPECT_EQ(local[0].local_port_min, 1024);
    const auto netns = cases("netns = 4026531840");
    ASSERT_EQ(netns.size(), 1U);
    EXPECT_EQ(netns[0].netns_inum, 4026531840U);
    const auto cookie = cases("sk = ff");
    ASSERT_EQ(cookie.size(), 1U);
    EXPECT_EQ(cookie[0].cookie, 255U);
    const auto pid = cases("pid = 7");
    ASSERT_EQ(pid.size(), 1U);
    EXPECT_EQ(pid[0].pid, 7U);
    EXPECT_TRUE(ask_for_process(pid));
    EXPECT_FALSE(ask_for_process(cookie));
    const auto family = cases("src inet6:*");
    ASSERT_EQ(family.size(), 1U);
    EXPECT_EQ(family[0].family, AF_INET6);
    const auto addresses = cases("dst 10.0.0.0/8");
    ASSERT_EQ(addresses.size(), 1U);
    EXPECT_EQ(addresses[0].address_family, AF_INET);
}

TEST(Cases, AllAtOnceAreOneCase)
{
    const auto all = cases("dport = 443 and sport < 1024 netns = 5 and comm = nginx*");
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].remote_port_min, 443);
    EXPECT_EQ(all[0].local_port_max, 1023);
    EXPECT_EQ(all[0].netns_inum, 5U);
}

TEST(Cases, AlternativesAreCases)
{
    EXPECT_EQ(cases("sport = 443 or dport = 443").size(), 2U);
    EXPECT_EQ(cases("( sport = 1 or sport = 2 or sport = 3 ) and dport = 9").size(), 3U);
    EXPECT_EQ(cases("not dport = 22").size(), 2U) << "below and above";
    EXPECT_EQ(cases("not ( dport = 22 or sport = 22 )").size(), 4U);
    EXPECT_EQ(cases("dport != 0").size(), 1U);
}

TEST(Cases, WhatTheKernelCannotTellLeavesEverything)
{
    for (const char* text : {"comm = nginx", "container = web", "age > 5s", "unaccepted",
                             "dport = 443 or comm = nginx", "not pid = 7", "not netns = 5",
                             "not ( dport = 443 and comm = nginx )", "state close-wait"}) {
        EXPECT_TRUE(cases(text).empty()) << text;
    }
    std::string many = "sport = 1";
    for (int port = 2; port <= TL_MAX_CASES + 1; ++port) {
        many += " or sport = " + std::to_string(port);
    }
    EXPECT_TRUE(cases(many).empty());
}

TEST(Cases, OfAnyProcess)
{
    EXPECT_TRUE(of_any_process(cases("pid = 7")).empty());
    const auto all = of_any_process(cases("pid = 7 and dport = 443"));
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].pid, 0U);
    EXPECT_EQ(all[0].remote_port_max, 443);
    EXPECT_TRUE(of_any_process(cases("pid = 7 or dport = 443")).empty());
}

TEST(Cases, TooManyWaysAreGivenUp)
{
    std::string text; // 2^20 ways through it
    for (int pair = 0; pair < 20; ++pair) {
        text += (pair == 0 ? "" : " and ");
        text += "( comm = a" + std::to_string(pair) + " or dport = 80 )";
    }
    EXPECT_TRUE(cases(text).empty());
}

class RandomFilter {
public:
    explicit RandomFilter(std::uint32_t seed) : random_(seed) {}

    std::string expression(int depth)
    {
        const unsigned kind = pick(depth > 0 ? 7 : 3);
        if (kind < 3) {
            return test();
        }
        if (kind == 3) {
            return "not ( " + expression(depth - 1) + " )";
        }
        return "( " + expression(depth - 1) + (kind % 2 == 0 ? " and " : " or ") +
               expression(depth - 1) + " )";
    }

    SocketView socket()
    {
        SocketView view;
        view.family = pick(2) == 0 ? AF_INET : AF_INET6;
        const IpAddress four = IpAddress::from_ipv4_be(0x0100000a);
        IpAddress six;
        six.bytes[0] = 0x20;
        const IpAddress address = view.family == AF_INET || pick(2) == 0 ? four : six;
        view.tuple = {3 + pick(3), {address, port()}, {address, port()}};
        view.cookie = 1 + pick(3);
        view.uid = pick(3);
        view.cgroup_id = 1 + pick(3);
        view.owner = ProcessView{1 + pick(3), pick(2) == 0 ? "a" : "b"};
        view.state = pick(2) == 0 ? TcpState::kEstablished : TcpState::kCloseWait;
        return view;
    }

private:
    unsigned pick(unsigned below) { return static_cast<unsigned>(random_()) % below; }
    std::uint16_t port()
    {
        constexpr std::uint16_t kPorts[] = {0, 1, 2, 3, 80, 65534, 65535};
        return kPorts[pick(7)];
    }
    std::string test()
    {
        constexpr const char* kComparisons[] = {"=", "!=", "<", "<=", ">", ">="};
        switch (pick(9)) {
        case 0:
        case 1:
            return std::string(pick(2) == 0 ? "sport " : "dport ") + kComparisons[pick(2)] + " " +
                   std::to_string(port());
        case 2:
        case 3:
            return std::string(pick(2) == 0 ? "sport " : "dport ") + kComparisons[pick(6)] + " " +
                   std::to_string(port());
        case 4:
            return "netns = " + std::to_string(3 + pick(3));
        case 5:
            return "pid = " + std::to_string(1 + pick(3));
        case 6:
            return pick(2) == 0 ? "uid = 1" : "comm = a";
        case 7:
            return pick(2) == 0 ? "dst 10.0.0.1" : "src [2000::]/8";
        default:
            return pick(2) == 0 ? "src inet:*" : "sk = 2";
        }
    }

    std::mt19937 random_;
};

TEST(Cases, NothingIsLeftOutThatTheFilterAccepts)
{
    RandomFilter random(20261121);
    std::size_t decided = 0;
    std::size_t left_out = 0;
    for (int round = 0; round < 3000; ++round) {
        const std::string text = random.expression(3);
        const Filter filter = read(text);
        const std::vector<tl_case> all = cases_of(filter);
        decided += all.empty() ? 0U : 1U;
        for (int one = 0; one < 50; ++one) {
            const SocketView socket = random.socket();
            if (filter.matches(socket)) {
                ASSERT_TRUE(fits(all, socket)) << text << " " << socket.tuple.local.text() << " "
                                               << socket.tuple.remote.text();
            } else {
                left_out += fits(all, socket) ? 0U : 1U;
            }
        }
    }
    EXPECT_GT(decided, 500U);
    EXPECT_GT(left_out, 10'000U);
}

} // namespace
} // namespace tcpledger
