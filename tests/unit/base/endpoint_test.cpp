// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/endpoint.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace tcpledger {
namespace {

IpAddress ipv6(const char* text)
{
    IpAddress address;
    EXPECT_EQ(1, ::inet_pton(AF_INET6, text, address.bytes.data()));
    return address;
}

TEST(IpAddress, Ipv4IsHeldMappedAndShownPlain)
{
    const IpAddress address = IpAddress::from_ipv4_be(htonl(0x7f000001));
    EXPECT_TRUE(address.is_ipv4());
    EXPECT_TRUE(address.is_loopback());
    EXPECT_EQ(address.text(), "127.0.0.1");
    EXPECT_EQ(address, ipv6("::ffff:127.0.0.1"));
}

TEST(IpAddress, WildcardsOfBothFamilies)
{
    EXPECT_TRUE(IpAddress::from_ipv4_be(0).is_wildcard());
    EXPECT_TRUE(IpAddress{}.is_wildcard());
    EXPECT_FALSE(IpAddress::from_ipv4_be(htonl(1)).is_wildcard());
    EXPECT_FALSE(ipv6("::1").is_wildcard());
    EXPECT_TRUE(ipv6("::1").is_loopback());
    EXPECT_FALSE(ipv6("fe80::1").is_loopback());
}

TEST(Endpoint, Ipv6IsBracketed)
{
    EXPECT_EQ((Endpoint{ipv6("2001:db8::1"), 443}.text()), "[2001:db8::1]:443");
    EXPECT_EQ((Endpoint{IpAddress::from_ipv4_be(0), 80}.text()), "0.0.0.0:80");
}

TEST(FourTuple, MirroredTwiceIsItself)
{
    const FourTuple tuple{7, {ipv6("::1"), 1}, {ipv6("::2"), 2}};
    EXPECT_NE(tuple, tuple.mirrored());
    EXPECT_EQ(tuple, tuple.mirrored().mirrored());
}

} // namespace
} // namespace tcpledger
