// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The bytes that go to the kernel.
#include "netlink/diag_request.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include <cstring>

namespace tcpledger {
namespace {

template <typename T> T load(const std::vector<std::byte>& message, std::size_t offset)
{
    T value{};
    EXPECT_LE(offset + sizeof(value), message.size());
    std::memcpy(&value, message.data() + offset, sizeof(value));
    return value;
}

TEST(DiagRequest, OneWalkForBothFamiliesOnlyWithTcp)
{
    using Families8 = std::vector<std::uint8_t>;
    EXPECT_EQ(requested_families({}), Families8{AF_UNSPEC});
    EXPECT_EQ(requested_families({.families = Families::kIpv4}), Families8{AF_INET});
    EXPECT_EQ(requested_families({.families = Families::kIpv6}), Families8{AF_INET6});
    EXPECT_EQ(requested_families({.protocol = IPPROTO_UDP}), (Families8{AF_INET, AF_INET6}));
}

TEST(DiagRequest, DumpOfOneFamily)
{
    DumpRequest request;
    request.protocol = IPPROTO_UDP;
    request.state_mask = state_bit(TcpState::kListen) | state_bit(TcpState::kClose);
    request.details = {.tcp_info = true, .memory = true, .congestion = true, .tos = true};
    const auto message = encode_dump(request, AF_INET6, 9, true);
    const auto header = load<nlmsghdr>(message, 0);
    EXPECT_EQ(header.nlmsg_len, message.size());
    EXPECT_EQ(header.nlmsg_type, SOCK_DIAG_BY_FAMILY);
    EXPECT_EQ(header.nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
    EXPECT_EQ(header.nlmsg_seq, 9U);
    const auto body = load<inet_diag_req_v2>(message, sizeof(header));
    EXPECT_EQ(body.sdiag_family, AF_INET6);
    EXPECT_EQ(body.sdiag_protocol, IPPROTO_UDP);
    EXPECT_EQ(body.idiag_states, 1U << 10U | 1U << 7U);
    EXPECT_EQ(body.idiag_ext, 1U << 1U | 1U << 3U | 1U << 4U | 1U << 5U | 1U << 6U);
}

TEST(DiagRequest, NoPlaceForDetailsNoDetails)
{
    DumpRequest request;
    request.details.tcp_info = true;
    const auto body =
        load<inet_diag_req>(encode_dump(request, AF_UNSPEC, 1, false), sizeof(nlmsghdr));
    EXPECT_EQ(body.idiag_ext, 0);
    EXPECT_EQ(body.idiag_states, kEveryState);
}

TEST(DiagRequest, FilterBecomesAPaddedAttribute)
{
    const std::vector<std::byte> filter(7, std::byte{0xab});
    DumpRequest request;
    request.filter = filter;
    const auto message = encode_dump(request, AF_INET, 1, false);
    constexpr std::size_t kOffset = sizeof(nlmsghdr) + sizeof(inet_diag_req_v2);
    EXPECT_EQ(message.size(), kOffset + sizeof(nlattr) + 8);
    EXPECT_EQ(load<nlmsghdr>(message, 0).nlmsg_len, message.size());
    const auto attribute = load<nlattr>(message, kOffset);
    EXPECT_EQ(attribute.nla_type, INET_DIAG_REQ_BYTECODE);
    EXPECT_EQ(attribute.nla_len, sizeof(nlattr) + 7);
    EXPECT_EQ(message[kOffset + sizeof(nlattr) + 6], std::byte{0xab});
    EXPECT_EQ(message.back(), std::byte{0});
}

TEST(DiagRequest, LookupNamesTheSocketFromItsOwnSide)
{
    FourTuple tuple;
    tuple.local = {IpAddress::from_ipv4_be(htonl(0x0a000001)), 40000};
    tuple.remote = {IpAddress::from_ipv4_be(htonl(0x0a000002)), 443};
    const auto message = encode_lookup(tuple, AF_INET, 0x1122334455667788, 3, 1);
    EXPECT_EQ(load<nlmsghdr>(message, 0).nlmsg_flags, NLM_F_REQUEST);
    const auto body = load<inet_diag_req_v2>(message, sizeof(nlmsghdr));
    EXPECT_EQ(body.id.idiag_sport, htons(40000));
    EXPECT_EQ(body.id.idiag_dport, htons(443));
    EXPECT_EQ(body.id.idiag_src[0], htonl(0x0a000001));
    EXPECT_EQ(body.id.idiag_src[1], 0U);
    EXPECT_EQ(body.id.idiag_dst[0], htonl(0x0a000002));
    EXPECT_EQ(body.id.idiag_if, 3U);
    EXPECT_EQ(body.id.idiag_cookie[0], 0x55667788U);
    EXPECT_EQ(body.id.idiag_cookie[1], 0x11223344U);

    // An IPv6 socket with IPv4 addresses keeps them mapped, and no cookie means any.
    const auto mapped =
        load<inet_diag_req_v2>(encode_lookup(tuple, AF_INET6, 0, 0, 1), sizeof(nlmsghdr));
    EXPECT_EQ(mapped.id.idiag_src[2], htonl(0xffff));
    EXPECT_EQ(mapped.id.idiag_src[3], htonl(0x0a000001));
    EXPECT_EQ(mapped.id.idiag_cookie[0], INET_DIAG_NOCOOKIE);
    EXPECT_EQ(mapped.id.idiag_cookie[1], INET_DIAG_NOCOOKIE);
}

} // namespace
} // namespace tcpledger
