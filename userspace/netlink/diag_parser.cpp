// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "netlink/diag_parser.hpp"

#include "netlink/tcp_info.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <type_traits>

namespace tcpledger {
namespace {

using Bytes = std::span<const std::byte>;

/// The caller has checked that `bytes` holds a T.
template <typename T> T load(Bytes bytes)
{
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    std::memcpy(&value, bytes.data(), sizeof(value));
    return value;
}

/// What follows `bytes`' first `length` bytes and their padding to four.
Bytes after_aligned(Bytes bytes, std::size_t length)
{
    return bytes.subspan(std::min((length + 3) & ~std::size_t{3}, bytes.size()));
}

template <typename T> bool read_exactly(Bytes payload, T& value)
{
    if (payload.size() < sizeof(T)) {
        return false;
    }
    value = load<T>(payload);
    return true;
}

/// The kernel may tell fewer counters (old) or more (new) than we know.
SocketMemory read_memory(Bytes payload)
{
    static_assert(sizeof(SocketMemory) == 9 * sizeof(std::uint32_t));
    SocketMemory memory;
    std::memcpy(&memory, payload.data(), std::min(payload.size(), sizeof(memory)));
    return memory;
}

CongestionInfo read_congestion_info(CongestionInfo::Kind kind, Bytes payload)
{
    CongestionInfo info;
    info.kind = kind;
    std::memcpy(info.words.data(), payload.data(), std::min(payload.size(), sizeof(info.words)));
    return info;
}

/// False when the attribute is too short for its type. Unknown types are fine.
bool read_detail(std::uint16_t type, Bytes payload, SocketDetails& details)
{
    switch (type) {
    case INET_DIAG_INFO:
        details.info = read_tcp_info(payload);
        details.has_info = true;
        return true;
    case INET_DIAG_SKMEMINFO:
        details.memory = read_memory(payload);
        details.has_memory = true;
        return true;
    case INET_DIAG_CONG:
        std::memcpy(details.congestion_bytes.data(), payload.data(),
                    std::min(payload.size(), details.congestion_bytes.size()));
        details.has_congestion = true;
        return true;
    case INET_DIAG_VEGASINFO:
        details.congestion_info = read_congestion_info(CongestionInfo::Kind::kVegas, payload);
        return true;
    case INET_DIAG_BBRINFO:
        details.congestion_info = read_congestion_info(CongestionInfo::Kind::kBbr, payload);
        return true;
    case INET_DIAG_DCTCPINFO:
        details.congestion_info = read_congestion_info(CongestionInfo::Kind::kDctcp, payload);
        return true;
    case INET_DIAG_TOS:
        details.has_tos = read_exactly(payload, details.tos);
        return details.has_tos;
    case INET_DIAG_TCLASS:
        details.has_traffic_class = read_exactly(payload, details.traffic_class);
        return details.has_traffic_class;
    default:
        return true;
    }
}

bool read_attribute(std::uint16_t type, Bytes payload, SocketRow& row, SocketDetails* details)
{
    switch (type) {
    case INET_DIAG_MARK:
        return read_exactly(payload, row.mark);
    case INET_DIAG_CGROUP_ID:
        return read_exactly(payload, row.cgroup_id);
    case INET_DIAG_SHUTDOWN:
        row.has_shutdown = read_exactly(payload, row.shutdown_mask);
        return row.has_shutdown;
    case INET_DIAG_SKV6ONLY: {
        std::uint8_t only = 0;
        const bool fits = read_exactly(payload, only);
        row.ipv6_only = only != 0;
        return fits;
    }
    default:
        return details == nullptr || read_detail(type, payload, *details);
    }
}

/// False when an attribute claims more or less than there is.
bool read_attributes(Bytes bytes, SocketRow& row, SocketDetails* details)
{
    while (bytes.size() >= sizeof(nlattr)) {
        const auto attribute = load<nlattr>(bytes);
        if (attribute.nla_len < sizeof(nlattr) || attribute.nla_len > bytes.size()) {
            return false;
        }
        const Bytes payload = bytes.subspan(sizeof(nlattr), attribute.nla_len - sizeof(nlattr));
        const auto type = static_cast<std::uint16_t>(attribute.nla_type & NLA_TYPE_MASK);
        if (!read_attribute(type, payload, row, details)) {
            return false;
        }
        bytes = after_aligned(bytes, attribute.nla_len);
    }
    return bytes.empty();
}

IpAddress read_address(std::uint8_t family, const __be32* words)
{
    return family == AF_INET ? IpAddress::from_ipv4_be(words[0]) : IpAddress::from_bytes(words);
}

SocketTimer read_timer(std::uint8_t number)
{
    return number <= static_cast<std::uint8_t>(SocketTimer::kPersist)
               ? static_cast<SocketTimer>(number)
               : SocketTimer::kUnknown;
}

/// Fills in all but the attributes. False for a family or state that we do not know.
bool read_fixed_part(const inet_diag_msg& message, const ParseContext& context, SocketRow& row)
{
    const std::optional<TcpState> state = tcp_state_from_kernel(message.idiag_state);
    if (!state || (message.idiag_family != AF_INET && message.idiag_family != AF_INET6)) {
        return false;
    }
    const inet_diag_sockid& id = message.id;
    row.tuple.netns_inum = context.netns_inum;
    row.tuple.local = {read_address(message.idiag_family, id.idiag_src), ntohs(id.idiag_sport)};
    row.tuple.remote = {read_address(message.idiag_family, id.idiag_dst), ntohs(id.idiag_dport)};
    row.cookie = id.idiag_cookie[0] | std::uint64_t{id.idiag_cookie[1]} << 32U;
    row.inode = message.idiag_inode;
    row.uid = message.idiag_uid;
    row.recv_queue_bytes = message.idiag_rqueue;
    row.send_queue_bytes = message.idiag_wqueue;
    row.timer_ms = message.idiag_expires;
    row.interface_index = id.idiag_if;
    row.family = message.idiag_family;
    row.protocol = context.protocol;
    row.state = *state;
    row.timer = read_timer(message.idiag_timer);
    row.retransmits = message.idiag_retrans;
    return true;
}

void read_socket(Bytes payload, const ParseContext& context, RowSink sink, ParseResult& result)
{
    if (payload.size() < sizeof(inet_diag_msg)) {
        ++result.malformed;
        return;
    }
    SocketRow& row = sink.rows.emplace_back();
    if (!read_fixed_part(load<inet_diag_msg>(payload), context, row)) {
        sink.rows.pop_back();
        ++result.unknown;
        return;
    }
    SocketDetails* details = sink.details != nullptr ? &sink.details->emplace_back() : nullptr;
    if (!read_attributes(after_aligned(payload, sizeof(inet_diag_msg)), row, details)) {
        sink.rows.pop_back();
        if (sink.details != nullptr) {
            sink.details->pop_back();
        }
        ++result.malformed;
    }
}

/// NLMSG_DONE and NLMSG_ERROR both begin with a negative errno; DONE's may be absent.
void read_end(std::uint16_t type, Bytes payload, ParseResult& result)
{
    result.done = true;
    std::int32_t negative = 0;
    if (!read_exactly(payload, negative)) {
        if (type == NLMSG_ERROR) {
            ++result.malformed;
            result.error_number = EBADMSG;
        }
        return;
    }
    // A dump's DONE carries what its last step returned: only a negative number is an error.
    constexpr std::int32_t kMaxErrno = 4095;
    if (negative < 0) {
        result.error_number = negative < -kMaxErrno ? EBADMSG : -negative;
    }
}

void read_message(const nlmsghdr& header, Bytes payload, const ParseContext& context, RowSink sink,
                  ParseResult& result)
{
    if (header.nlmsg_seq != context.sequence) {
        ++result.foreign;
        return;
    }
    result.interrupted |= (header.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    switch (header.nlmsg_type) {
    case SOCK_DIAG_BY_FAMILY:
    case TCPDIAG_GETSOCK:
        read_socket(payload, context, sink, result);
        break;
    case NLMSG_DONE:
    case NLMSG_ERROR:
        read_end(header.nlmsg_type, payload, result);
        break;
    case NLMSG_OVERRUN:
        result.interrupted = true;
        break;
    case NLMSG_NOOP:
        break;
    default:
        ++result.unknown;
    }
}

} // namespace

ParseResult parse_rows(std::span<const std::byte> bytes, const ParseContext& context, RowSink sink)
{
    ParseResult result;
    while (bytes.size() >= sizeof(nlmsghdr) && !result.done) {
        const auto header = load<nlmsghdr>(bytes);
        if (header.nlmsg_len < sizeof(nlmsghdr) || header.nlmsg_len > bytes.size()) {
            break;
        }
        const std::size_t payload_bytes = header.nlmsg_len - sizeof(nlmsghdr);
        read_message(header, bytes.subspan(sizeof(nlmsghdr), payload_bytes), context, sink, result);
        bytes = after_aligned(bytes, header.nlmsg_len);
    }
    result.truncated = !bytes.empty() && !result.done;
    return result;
}

} // namespace tcpledger
