// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Recorded and hostile answers of sock_diag.
#include "netlink/diag_parser.hpp"
#include "netlink/tcp_info.hpp"

#include "message_builder.hpp"
#include "recorded_dump.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <memory>
#include <random>

namespace tcpledger {
namespace {

using testing::append;
using testing::from_hex;
using testing::make_attribute;
using testing::make_end;
using testing::make_message;
using testing::make_socket;
using testing::Message;
using testing::put;

struct Parsed {
    ParseResult result;
    std::vector<SocketRow> rows;
    std::vector<SocketDetails> details;
};

/// Copies into a block of exactly that size, so that a sanitizer sees each byte read too many.
Parsed parse(const Message& message, std::uint32_t sequence = testing::kSequence)
{
    const std::unique_ptr<std::byte[]> exact(new std::byte[message.size()]);
    std::ranges::copy(message, exact.get());
    Parsed parsed;
    parsed.result = parse_rows({exact.get(), message.size()}, {42, sequence, IPPROTO_TCP},
                               {parsed.rows, &parsed.details});
    EXPECT_EQ(parsed.rows.size(), parsed.details.size());
    return parsed;
}

Parsed parse_recorded(std::string_view hex)
{
    return parse(from_hex(hex), recorded::kSequence);
}

TEST(DiagParser, RecordedEstablished)
{
    const Parsed parsed = parse_recorded(recorded::kEstablished4);
    ASSERT_EQ(parsed.rows.size(), 1U);
    const SocketRow& row = parsed.rows[0];
    EXPECT_EQ(row.tuple.netns_inum, 42U);
    EXPECT_EQ(row.tuple.local.text(), "127.0.0.1:40001");
    EXPECT_EQ(row.tuple.remote.text(), "127.0.0.1:8080");
    EXPECT_TRUE(row.tuple.local.address.is_ipv4());
    EXPECT_EQ(row.family, AF_INET);
    EXPECT_EQ(row.protocol, IPPROTO_TCP);
    EXPECT_EQ(row.state, TcpState::kEstablished);
    EXPECT_EQ(row.timer, SocketTimer::kNone);
    EXPECT_NE(row.cookie, 0U);
    EXPECT_NE(row.inode, 0U);
    EXPECT_EQ(row.cgroup_id, 1U);
    EXPECT_FALSE(parsed.result.truncated);
    EXPECT_FALSE(parsed.result.done);
    EXPECT_EQ(parsed.result.malformed, 0U);
    const SocketDetails& details = parsed.details[0];
    ASSERT_TRUE(details.has_info);
    EXPECT_EQ(details.info.send_mss_bytes, 32741U);
    EXPECT_EQ(details.info.path_mtu_bytes, 65535U);
    EXPECT_EQ(details.info.congestion_window_count, 10U);
    EXPECT_EQ(details.info.segments_out, 2U);
    EXPECT_EQ(details.info.segments_in, 1U);
    ASSERT_TRUE(details.has_memory);
    EXPECT_EQ(details.memory.send_buffer_bytes, 3939840U);
    EXPECT_EQ(details.memory.recv_buffer_bytes, 131072U);
    EXPECT_FALSE(details.has_congestion);
    EXPECT_EQ(details.congestion(), "");
}

TEST(DiagParser, RecordedListener)
{
    const Parsed parsed = parse_recorded(recorded::kListener6);
    ASSERT_EQ(parsed.rows.size(), 1U);
    const SocketRow& row = parsed.rows[0];
    EXPECT_EQ(row.tuple.local.text(), "[::1]:8081");
    EXPECT_TRUE(row.tuple.remote.address.is_wildcard());
    EXPECT_EQ(row.tuple.remote.port, 0);
    EXPECT_EQ(row.state, TcpState::kListen);
    EXPECT_EQ(row.recv_queue_bytes, 0U);
    EXPECT_EQ(row.send_queue_bytes, 9U);
    EXPECT_TRUE(row.ipv6_only);
}

TEST(DiagParser, RecordedMiniSocketsHaveNeitherInodeNorOwner)
{
    const Parsed time_wait = parse_recorded(recorded::kTimeWait4);
    ASSERT_EQ(time_wait.rows.size(), 1U);
    EXPECT_EQ(time_wait.rows[0].state, TcpState::kTimeWait);
    EXPECT_EQ(time_wait.rows[0].timer, SocketTimer::kTimeWait);
    EXPECT_GT(time_wait.rows[0].timer_ms, 50'000U);
    EXPECT_LE(time_wait.rows[0].timer_ms, 60'000U);
    EXPECT_EQ(time_wait.rows[0].inode, 0U);
    EXPECT_EQ(time_wait.rows[0].tuple.local.text(), "127.0.0.1:40003");

    const Parsed fin_wait2 = parse_recorded(recorded::kFinWait2Mini6);
    ASSERT_EQ(fin_wait2.rows.size(), 1U);
    EXPECT_EQ(fin_wait2.rows[0].state, TcpState::kFinWait2);
    EXPECT_EQ(fin_wait2.rows[0].timer, SocketTimer::kTimeWait);
    EXPECT_EQ(fin_wait2.rows[0].inode, 0U);
}

TEST(DiagParser, RecordedCloseWait)
{
    const Parsed parsed = parse_recorded(recorded::kCloseWait6);
    ASSERT_EQ(parsed.rows.size(), 1U);
    EXPECT_EQ(parsed.rows[0].state, TcpState::kCloseWait);
    EXPECT_EQ(parsed.rows[0].recv_queue_bytes, 1U); // the FIN
    EXPECT_EQ(parsed.rows[0].shutdown_mask, 1);
    EXPECT_EQ(parsed.rows[0].family, AF_INET6);
}

TEST(DiagParser, WholeRecordingInOneBuffer)
{
    Message all;
    for (const std::string_view hex :
         {recorded::kListener6, recorded::kFinWait2Mini6, recorded::kTimeWait4,
          recorded::kCloseWait6, recorded::kEstablished4, recorded::kDone}) {
        append(all, from_hex(hex));
    }
    const Parsed parsed = parse(all, recorded::kSequence);
    EXPECT_EQ(parsed.rows.size(), 5U);
    EXPECT_TRUE(parsed.result.done);
    EXPECT_EQ(parsed.result.error_number, 0);
    EXPECT_FALSE(parsed.result.truncated);
}

// Every prefix of a real message: a row only when all of it is there, and never a crash.
TEST(DiagParser, EveryTruncationIsSeen)
{
    const Message whole = from_hex(recorded::kEstablished4);
    for (std::size_t length = 1; length < whole.size(); ++length) {
        const Message part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        const Parsed parsed = parse(part, recorded::kSequence);
        EXPECT_TRUE(parsed.rows.empty()) << length;
        EXPECT_TRUE(parsed.result.truncated) << length;
    }
    EXPECT_FALSE(parse({}).result.truncated);
}

// The message's own length says less than the body needs.
TEST(DiagParser, ShortBodiesAreMalformed)
{
    for (std::size_t length = 0; length < sizeof(inet_diag_msg); ++length) {
        const Parsed parsed = parse(make_message(SOCK_DIAG_BY_FAMILY, Message(length)));
        EXPECT_TRUE(parsed.rows.empty());
        EXPECT_EQ(parsed.result.malformed, 1U);
    }
}

TEST(DiagParser, HostileMessageLengths)
{
    for (const std::uint32_t length : {0U, 1U, 15U, 0x7fffffffU, 0xfffffffcU, 0xffffffffU}) {
        Message message = make_socket(AF_INET, 1);
        put(message, 0, length);
        append(message, make_socket(AF_INET, 1));
        const Parsed parsed = parse(message);
        EXPECT_TRUE(parsed.rows.empty()) << length;
        EXPECT_TRUE(parsed.result.truncated) << length;
    }
}

TEST(DiagParser, HostileAttributeLengthsDropTheRowAndKeepTheNext)
{
    for (const int length : {0, 1, 3, 9, 200, 0xffff}) {
        Message attribute = make_attribute(INET_DIAG_MARK, std::uint32_t{7});
        put(attribute, 0, static_cast<std::uint16_t>(length));
        Message message = make_socket(AF_INET, 1, attribute);
        append(message, make_socket(AF_INET6, 10));
        const Parsed parsed = parse(message);
        ASSERT_EQ(parsed.rows.size(), 1U) << length;
        EXPECT_EQ(parsed.rows[0].state, TcpState::kListen);
        EXPECT_EQ(parsed.result.malformed, 1U) << length;
    }
}

// INET_DIAG_BBRINFO and its kin: as many words as the kernel gave.
TEST(DiagParser, CongestionControlsOwnFigures)
{
    struct Case {
        int type;
        CongestionInfo::Kind kind;
    };
    for (const Case& expected : {Case{INET_DIAG_VEGASINFO, CongestionInfo::Kind::kVegas},
                                 Case{INET_DIAG_BBRINFO, CongestionInfo::Kind::kBbr},
                                 Case{INET_DIAG_DCTCPINFO, CongestionInfo::Kind::kDctcp}}) {
        const auto type = static_cast<std::uint16_t>(expected.type);
        const std::array<std::uint32_t, 3> some{1, 2, 3};
        const std::array<std::uint32_t, 7> many{1, 2, 3, 4, 5, 6, 7};
        for (const Message& attribute : {make_attribute(type, some), make_attribute(type, many)}) {
            const Parsed parsed = parse(make_socket(AF_INET, 1, attribute));
            ASSERT_EQ(parsed.details.size(), 1U);
            const CongestionInfo& info = parsed.details[0].congestion_info;
            EXPECT_EQ(info.kind, expected.kind);
            EXPECT_EQ(info.words[2], 3U);
            EXPECT_EQ(info.words[4], attribute.size() > 20 ? 5U : 0U);
        }
    }
    const Parsed without = parse(make_socket(AF_INET, 1));
    EXPECT_EQ(without.details[0].congestion_info.kind, CongestionInfo::Kind::kNone);
    EXPECT_FALSE(without.rows[0].has_shutdown);
}

TEST(DiagParser, AttributesTooShortForTheirTypeAreMalformed)
{
    const Message messages[] = {
        make_attribute(INET_DIAG_MARK, std::uint16_t{}),
        make_attribute(INET_DIAG_CGROUP_ID, std::uint32_t{}),
        Message{std::byte{4}, std::byte{0}, std::byte{INET_DIAG_SHUTDOWN}, std::byte{0}},
        Message{std::byte{4}, std::byte{0}, std::byte{INET_DIAG_SKV6ONLY}, std::byte{0}},
        Message{std::byte{4}, std::byte{0}, std::byte{INET_DIAG_TOS}, std::byte{0}},
        Message{std::byte{4}, std::byte{0}}, // not even a header
    };
    for (const Message& attribute : messages) {
        const Parsed parsed = parse(make_socket(AF_INET, 1, attribute));
        EXPECT_TRUE(parsed.rows.empty());
        EXPECT_EQ(parsed.result.malformed, 1U);
    }
}

TEST(DiagParser, AttributesAreRead)
{
    Message attributes = make_attribute(INET_DIAG_MARK, std::uint32_t{0xdeadbeef});
    append(attributes, make_attribute(INET_DIAG_CGROUP_ID, std::uint64_t{0x1122334455667788}));
    append(attributes, make_attribute(INET_DIAG_SKV6ONLY, std::uint8_t{1}));
    append(attributes, make_attribute(INET_DIAG_TOS, std::uint8_t{0x10}));
    append(attributes, make_attribute(INET_DIAG_TCLASS, std::uint8_t{0x20}));
    append(attributes,
           make_attribute(INET_DIAG_CONG, std::array<char, 6>{'c', 'u', 'b', 'i', 'c'}));
    append(attributes, make_attribute(999, std::uint64_t{1})); // of a kernel to come
    const Parsed parsed = parse(make_socket(AF_INET6, 10, attributes));
    ASSERT_EQ(parsed.rows.size(), 1U);
    EXPECT_EQ(parsed.rows[0].mark, 0xdeadbeefU);
    EXPECT_EQ(parsed.rows[0].cgroup_id, 0x1122334455667788U);
    EXPECT_TRUE(parsed.rows[0].ipv6_only);
    EXPECT_EQ(parsed.rows[0].inode, 4711U);
    EXPECT_EQ(parsed.details[0].tos, 0x10);
    EXPECT_EQ(parsed.details[0].traffic_class, 0x20);
    EXPECT_EQ(parsed.details[0].congestion(), "cubic");
    EXPECT_FALSE(parsed.details[0].has_info);
}

TEST(DiagParser, CongestionNameWithoutTerminator)
{
    std::array<char, 40> name{};
    name.fill('x');
    const Parsed parsed = parse(make_socket(AF_INET, 1, make_attribute(INET_DIAG_CONG, name)));
    ASSERT_EQ(parsed.rows.size(), 1U);
    EXPECT_EQ(parsed.details[0].congestion(), std::string(16, 'x'));
}

// struct tcp_info grows with the kernel: each length is fine, and what is missing is 0.
TEST(DiagParser, TcpInfoOfAnyLength)
{
    const std::size_t known_to_us = read_tcp_info(Message(600)).known_bytes;
    for (std::size_t length = 0; length <= 600; ++length) {
        Message attribute;
        append(attribute,
               nlattr{static_cast<std::uint16_t>(sizeof(nlattr) + length), INET_DIAG_INFO});
        attribute.resize(attribute.size() + length, std::byte{0xff});
        const Parsed parsed = parse(make_socket(AF_INET, 1, attribute));
        ASSERT_EQ(parsed.rows.size(), 1U) << length;
        const TcpInfo& info = parsed.details[0].info;
        EXPECT_EQ(info.known_bytes, std::min(length, known_to_us));
        EXPECT_EQ(info.rto_us == 0, length <= 8) << length;
        EXPECT_EQ(info.rto_us == 0xffffffffU, length >= 12) << length;
        EXPECT_EQ(info.bytes_acked == 0, length <= 120) << length;
    }
}

TEST(DiagParser, UnknownStatesAndFamiliesAreCounted)
{
    struct Case {
        int family, state;
        bool is_known;
    };
    for (const Case& c :
         {Case{AF_INET, 1, true}, Case{AF_INET6, 12, true}, Case{AF_INET, 13, true},
          Case{AF_INET, 0, false}, Case{AF_INET, 14, false}, Case{AF_INET, 200, false},
          Case{AF_INET, 255, false}, Case{0, 1, false}, Case{1, 1, false}, Case{255, 1, false}}) {
        const Parsed parsed = parse(
            make_socket(static_cast<std::uint8_t>(c.family), static_cast<std::uint8_t>(c.state)));
        EXPECT_EQ(parsed.rows.size(), c.is_known ? 1U : 0U) << c.family << ' ' << c.state;
        EXPECT_EQ(parsed.result.unknown, c.is_known ? 0U : 1U) << c.family << ' ' << c.state;
        EXPECT_EQ(parsed.result.malformed, 0U);
    }
}

TEST(DiagParser, UnknownTimerIsSaid)
{
    Message message = make_socket(AF_INET, 1);
    put(message, sizeof(nlmsghdr) + offsetof(inet_diag_msg, idiag_timer), std::uint8_t{5});
    ASSERT_EQ(parse(message).rows.size(), 1U);
    EXPECT_EQ(parse(message).rows[0].timer, SocketTimer::kUnknown);
}

TEST(DiagParser, EndsAndErrors)
{
    struct Case {
        std::uint16_t type;
        std::int32_t number;
        int error_number;
    };
    constexpr std::int32_t kLowest = std::numeric_limits<std::int32_t>::min();
    for (const Case& c :
         {Case{NLMSG_DONE, 0, 0}, Case{NLMSG_DONE, 17, 0}, Case{NLMSG_DONE, -ENOMEM, ENOMEM},
          Case{NLMSG_DONE, kLowest, EBADMSG}, Case{NLMSG_ERROR, -ENOENT, ENOENT},
          Case{NLMSG_ERROR, 0, 0}, Case{NLMSG_ERROR, kLowest, EBADMSG}}) {
        Message message = make_socket(AF_INET, 1);
        append(message, make_end(c.type, c.number));
        append(message, make_socket(AF_INET, 1)); // after the end: not ours any more
        const Parsed parsed = parse(message);
        EXPECT_TRUE(parsed.result.done);
        EXPECT_EQ(parsed.result.error_number, c.error_number) << c.type << ' ' << c.number;
        EXPECT_EQ(parsed.rows.size(), 1U);
        EXPECT_FALSE(parsed.result.truncated);
    }
}

TEST(DiagParser, EndsWithoutTheirNumber)
{
    EXPECT_EQ(parse(make_message(NLMSG_DONE, {})).result.error_number, 0);
    EXPECT_TRUE(parse(make_message(NLMSG_DONE, {})).result.done);
    EXPECT_EQ(parse(make_message(NLMSG_ERROR, Message(3))).result.error_number, EBADMSG);
}

TEST(DiagParser, ForeignSequencesTouchNothing)
{
    Message message = make_socket(AF_INET, 1);
    append(message, make_message(NLMSG_DONE, Message(4), NLM_F_DUMP_INTR));
    const Parsed parsed = parse(message, testing::kSequence + 1);
    EXPECT_TRUE(parsed.rows.empty());
    EXPECT_EQ(parsed.result.foreign, 2U);
    EXPECT_FALSE(parsed.result.done);
    EXPECT_FALSE(parsed.result.interrupted);
}

TEST(DiagParser, InterruptionsAreSaid)
{
    EXPECT_TRUE(parse(make_message(NLMSG_DONE, Message(4), NLM_F_DUMP_INTR)).result.interrupted);
    EXPECT_TRUE(parse(make_message(NLMSG_OVERRUN, {})).result.interrupted);
    EXPECT_FALSE(parse(make_message(NLMSG_NOOP, {})).result.interrupted);
    EXPECT_EQ(parse(make_message(4711, {})).result.unknown, 1U);
}

TEST(DiagParser, WithoutDetailsTheirAttributesAreSkipped)
{
    const Message message = from_hex(recorded::kEstablished4);
    std::vector<SocketRow> rows;
    const ParseResult result =
        parse_rows(message, {1, recorded::kSequence, IPPROTO_TCP}, {rows, nullptr});
    EXPECT_EQ(rows.size(), 1U);
    EXPECT_EQ(result.malformed, 0U);
}

// Any bytes, any alignment: rows and details stay in step, states stay inside the enum.
TEST(DiagParser, RandomDamageNeverBreaksTheRules)
{
    Message whole = from_hex(recorded::kListener6);
    append(whole, from_hex(recorded::kTimeWait4));
    append(whole, from_hex(recorded::kEstablished4));
    append(whole, from_hex(recorded::kDone));
    std::mt19937 random(20261120);
    for (int round = 0; round < 20'000; ++round) {
        Message damaged(whole.begin() + static_cast<std::ptrdiff_t>(random() % 4), whole.end());
        for (unsigned hits = random() % 8; hits > 0; --hits) {
            damaged[random() % damaged.size()] = static_cast<std::byte>(random());
        }
        damaged.resize(damaged.size() - random() % 64);
        const Parsed parsed = parse(damaged, recorded::kSequence);
        for (const SocketRow& row : parsed.rows) {
            EXPECT_TRUE(tcp_state_from_kernel(static_cast<unsigned>(row.state)).has_value());
        }
        EXPECT_LE(parsed.rows.size(), damaged.size() / sizeof(inet_diag_msg));
    }
}

} // namespace
} // namespace tcpledger
