// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Whatever goes in, a JSON reader that is not ours takes what comes out.
#include "output/json.hpp"

#include "output/escape.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <cmath>
#include <limits>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;

rapidjson::Document parsed(std::string_view json)
{
    rapidjson::Document document;
    document.Parse<rapidjson::kParseValidateEncodingFlag | rapidjson::kParseFullPrecisionFlag>(
        json.data(), json.size());
    EXPECT_FALSE(document.HasParseError()) << json;
    return document;
}

TEST(JsonWriter, ADocumentAsTracePrintsIt)
{
    JsonWriter json;
    json.begin_object()
        .field("time", std::chrono::system_clock::time_point{} + 1795197785s + 123'456us)
        .field("cookie", std::uint64_t{18'446'744'073'709'551'615U})
        .field("pid", 812)
        .field("comm", "ngi\"nx")
        .field("local_address", IpAddress::from_ipv4_be(htonl(0x0a000001)))
        .field("old_state", TcpState::kCloseWait)
        .milliseconds_field("state_ms", 1'234'567ns)
        .field("unaccepted", false)
        .null_field("owner")
        .end_object();
    EXPECT_TRUE(json.complete());
    EXPECT_EQ(json.take_line(),
              R"({"time":"2026-11-20T18:03:05.123456Z","cookie":18446744073709551615,"pid":812,)"
              R"("comm":"ngi\"nx","local_address":"10.0.0.1","old_state":"CLOSE_WAIT",)"
              R"("state_ms":1.234,"unaccepted":false,"owner":null})");
}

TEST(JsonWriter, NumbersAtTheirLimitsComeBack)
{
    JsonWriter json;
    json.begin_array()
        .value(std::numeric_limits<std::int64_t>::min())
        .value(std::numeric_limits<std::uint64_t>::max())
        .value(std::uint8_t{255})
        .value(-1)
        .value(0.1)
        .value(1e300)
        .end_array();
    const auto document = parsed(json.take_line());
    EXPECT_EQ(document[0].GetInt64(), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(document[1].GetUint64(), std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(document[2].GetInt(), 255);
    EXPECT_EQ(document[3].GetInt(), -1);
    EXPECT_EQ(document[4].GetDouble(), 0.1);
    EXPECT_EQ(document[5].GetDouble(), 1e300);
}

TEST(JsonWriter, WhatIsUnknownIsNull)
{
    JsonWriter json;
    json.begin_array()
        .value(std::optional<int>())
        .value(std::optional<TcpState>())
        .value(std::nan(""))
        .value(std::numeric_limits<double>::infinity())
        .null()
        .value(std::optional<int>(7))
        .value(std::optional<std::string>("x"))
        .end_array();
    EXPECT_EQ(json.take_line(), R"([null,null,null,null,null,7,"x"])");
    json.begin_object().milliseconds_field("a_ms", std::nullopt).end_object();
    EXPECT_EQ(json.take_line(), R"({"a_ms":null})");
}

TEST(JsonWriter, EveryByteIsAStringAndAKey)
{
    JsonWriter json;
    for (int byte = 0; byte < 256; ++byte) {
        const std::string raw = {'a', static_cast<char>(byte), 'b'};
        json.begin_object().field(raw, raw).end_object();
        const std::string_view line = json.take_line();
        EXPECT_EQ(line.find('\n'), std::string_view::npos);
        const auto document = parsed(line);
        const std::string expected = json_safe(raw);
        ASSERT_EQ(document.MemberCount(), 1U);
        const auto& member = *document.MemberBegin();
        EXPECT_EQ(std::string(member.name.GetString(), member.name.GetStringLength()), expected);
        EXPECT_EQ(std::string(member.value.GetString(), member.value.GetStringLength()), expected);
    }
}

TEST(JsonWriter, OneBufferServesManyDocuments)
{
    JsonWriter json;
    for (int round = 0; round < 3; ++round) {
        json.begin_object().key("rows").begin_array();
        EXPECT_FALSE(json.complete());
        json.value(round).end_array().end_object();
        EXPECT_EQ(json.take_line(), "{\"rows\":[" + std::to_string(round) + "]}");
    }
    EXPECT_EQ(json.value("").take_line(), "\"\"");
    EXPECT_EQ(json.value(std::string_view()).take_line(), "\"\"");
}

} // namespace
} // namespace tcpledger
