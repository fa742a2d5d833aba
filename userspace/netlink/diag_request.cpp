// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "netlink/diag_request.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>

#include <cstring>

namespace tcpledger {
namespace {

template <typename T> void append(std::vector<std::byte>& message, const T& value)
{
    const std::size_t offset = message.size();
    message.resize(offset + sizeof(value));
    std::memcpy(message.data() + offset, &value, sizeof(value));
}

/// The whole message: header, `body`, and the filter as an attribute where there is one.
template <typename Body>
std::vector<std::byte> make_message(std::uint16_t type, std::uint16_t flags, std::uint32_t sequence,
                                    const Body& body, std::span<const std::byte> filter = {})
{
    static_assert(sizeof(Body) % NLMSG_ALIGNTO == 0);
    const std::size_t filter_bytes = filter.empty() ? 0 : sizeof(nlattr) + filter.size();
    const std::size_t padded_bytes = (filter_bytes + 3) & ~std::size_t{3};
    nlmsghdr header{};
    header.nlmsg_len = static_cast<std::uint32_t>(sizeof(header) + sizeof(body) + padded_bytes);
    header.nlmsg_type = type;
    header.nlmsg_flags = flags;
    header.nlmsg_seq = sequence;

    std::vector<std::byte> message;
    message.reserve(header.nlmsg_len);
    append(message, header);
    append(message, body);
    if (!filter.empty()) {
        append(message, nlattr{static_cast<std::uint16_t>(filter_bytes), INET_DIAG_REQ_BYTECODE});
        message.insert(message.end(), filter.begin(), filter.end());
        message.resize(header.nlmsg_len);
    }
    return message;
}

std::uint8_t extension_mask(const DetailRequest& details)
{
    const auto bit = [](bool wanted, unsigned extension) {
        return wanted ? 1U << (extension - 1) : 0U;
    };
    return static_cast<std::uint8_t>(
        bit(details.tcp_info, INET_DIAG_INFO) | bit(details.memory, INET_DIAG_SKMEMINFO) |
        bit(details.congestion, INET_DIAG_CONG) |
        bit(details.congestion_info, INET_DIAG_VEGASINFO) | bit(details.tos, INET_DIAG_TOS) |
        bit(details.tos, INET_DIAG_TCLASS));
}

void put_address(std::uint8_t family, const IpAddress& address, __be32 (&words)[4])
{
    if (family == AF_INET) {
        std::memcpy(words, address.bytes.data() + 12, 4);
    } else {
        std::memcpy(words, address.bytes.data(), sizeof(words));
    }
}

} // namespace

std::vector<std::uint8_t> requested_families(const DumpRequest& request)
{
    switch (request.families) {
    case Families::kIpv4:
        return {AF_INET};
    case Families::kIpv6:
        return {AF_INET6};
    case Families::kBoth:
        break;
    }
    if (request.protocol == IPPROTO_TCP) {
        return {AF_UNSPEC};
    }
    return {AF_INET, AF_INET6};
}

std::vector<std::byte> encode_dump(const DumpRequest& request, std::uint8_t family,
                                   std::uint32_t sequence, bool with_details)
{
    constexpr std::uint16_t kFlags = NLM_F_REQUEST | NLM_F_DUMP;
    const std::uint8_t extensions = with_details ? extension_mask(request.details) : std::uint8_t{};
    if (family == AF_UNSPEC) { // only the older request lets the family open
        inet_diag_req body{};
        body.idiag_family = family;
        body.idiag_ext = extensions;
        body.idiag_states = request.state_mask;
        return make_message(TCPDIAG_GETSOCK, kFlags, sequence, body, request.filter);
    }
    inet_diag_req_v2 body{};
    body.sdiag_family = family;
    body.sdiag_protocol = request.protocol;
    body.idiag_ext = extensions;
    body.idiag_states = request.state_mask;
    return make_message(SOCK_DIAG_BY_FAMILY, kFlags, sequence, body, request.filter);
}

std::vector<std::byte> encode_lookup(const FourTuple& tuple, std::uint8_t family,
                                     std::uint64_t cookie, std::uint32_t interface_index,
                                     std::uint32_t sequence)
{
    inet_diag_req_v2 body{};
    body.sdiag_family = family;
    body.sdiag_protocol = IPPROTO_TCP;
    body.idiag_states = kEveryState;
    body.id.idiag_sport = htons(tuple.local.port);
    body.id.idiag_dport = htons(tuple.remote.port);
    put_address(family, tuple.local.address, body.id.idiag_src);
    put_address(family, tuple.remote.address, body.id.idiag_dst);
    body.id.idiag_if = interface_index;
    body.id.idiag_cookie[0] = cookie != 0 ? static_cast<std::uint32_t>(cookie) : INET_DIAG_NOCOOKIE;
    body.id.idiag_cookie[1] =
        cookie != 0 ? static_cast<std::uint32_t>(cookie >> 32U) : INET_DIAG_NOCOOKIE;
    return make_message(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, sequence, body);
}

} // namespace tcpledger
