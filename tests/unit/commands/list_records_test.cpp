// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A socket as docs/events.md's JSON, and as CSV.
#include "commands/list_records.hpp"

#include "hostile.hpp"
#include "listed_sockets.hpp"

#include <algorithm>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;
using namespace test;

struct Records : ListedFixture {
    ListOptions options;

    [[nodiscard]] rapidjson::Document json()
    {
        JsonWriter writer;
        begin_list(writer);
        write_json(writer, listed(), options);
        end_list(writer);
        EXPECT_TRUE(writer.complete());
        EXPECT_TRUE(is_harmless(writer.take_line())) << writer.take_line();
        return parsed(writer.take_line());
    }
    [[nodiscard]] std::string csv()
    {
        CsvWriter writer;
        write_csv(writer, listed());
        return std::string(writer.take_line());
    }
};

TEST_F(Records, JsonIsTheDocumentedObject)
{
    holders = {holder_of(812, 5, "nginx")};
    const rapidjson::Document document = json();
    EXPECT_EQ(document["version"].GetInt(), 1);
    const auto& socket = document["sockets"][0];
    EXPECT_STREQ(socket["protocol"].GetString(), "tcp");
    EXPECT_STREQ(socket["family"].GetString(), "ipv4");
    EXPECT_EQ(socket["netns"].GetUint(), 7U);
    EXPECT_STREQ(socket["state"].GetString(), "ESTABLISHED");
    EXPECT_STREQ(socket["local_address"].GetString(), "10.0.0.1");
    EXPECT_EQ(socket["local_port"].GetUint(), 40000U);
    EXPECT_EQ(socket["remote_port"].GetUint(), 443U);
    EXPECT_EQ(socket["recv_queue"].GetUint(), 12U);
    EXPECT_EQ(socket["send_queue"].GetUint(), 34U);
    EXPECT_EQ(socket["uid"].GetUint(), 1000U);
    EXPECT_EQ(socket["inode"].GetUint(), 777U);
    EXPECT_EQ(socket["cookie"].GetUint64(), 0x2aU);
    EXPECT_EQ(socket["owner"]["pid"].GetUint(), 812U);
    EXPECT_STREQ(socket["owner"]["comm"].GetString(), "nginx");
    EXPECT_STREQ(socket["owner"]["how"].GetString(), "held");
    ASSERT_EQ(socket["holders"].Size(), 1U);
    EXPECT_EQ(socket["holders"][0]["fd"].GetUint(), 5U);
    EXPECT_FALSE(socket["unaccepted"].GetBool());
    EXPECT_TRUE(socket["state_age_ms"].IsNull());
    EXPECT_TRUE(socket["age_is_lower_bound"].GetBool());
    for (const char* name : {"timer", "memory", "tcp_info", "mark"}) {
        EXPECT_FALSE(socket.HasMember(name)) << name << " was not asked for";
    }
}

TEST_F(Records, UnknownIsNull)
{
    row.inode = 0;
    row.tuple.remote = {};
    owned = false;
    const rapidjson::Document document = json();
    const auto& socket = document["sockets"][0];
    for (const char* name : {"owner", "inode", "remote_address", "remote_port"}) {
        EXPECT_TRUE(socket[name].IsNull()) << name;
    }
    EXPECT_EQ(socket["holders"].Size(), 0U);
    EXPECT_EQ(csv(), "tcp,ipv4,7,ESTABLISHED,10.0.0.1,40000,,,12,34,1000,,42,,,,false,,");
}

TEST_F(Records, PseudoOwnersHaveNoPid)
{
    owner = holder_of(0, 0, "[kernel]");
    const rapidjson::Document document = json();
    EXPECT_TRUE(document["sockets"][0]["owner"]["pid"].IsNull());
    EXPECT_NE(csv().find(",,[kernel],held,"), std::string::npos) << csv();
}

TEST_F(Records, WhatWasAskedForIsThere)
{
    options.timers = options.extended = options.memory = options.info = true;
    row.timer = SocketTimer::kKeepalive;
    row.timer_ms = 5;
    row.mark = 3;
    details.has_info = true;
    details.info.srtt_us = 250;
    const rapidjson::Document document = json();
    const auto& socket = document["sockets"][0];
    EXPECT_STREQ(socket["timer"]["name"].GetString(), "keepalive");
    EXPECT_EQ(socket["timer"]["left_ms"].GetUint(), 5U);
    EXPECT_EQ(socket["mark"].GetUint(), 3U);
    EXPECT_EQ(socket["tcp_info"]["rtt_us"].GetUint(), 250U);
    EXPECT_TRUE(socket["memory"].IsNull()) << "the kernel told nothing";
}

TEST_F(Records, AgeOfATimeWaitIsWhatIsGoneOfItsMinute)
{
    row = row_of(TcpState::kTimeWait);
    row.timer = SocketTimer::kTimeWait;
    row.timer_ms = 45'000;
    EXPECT_EQ(time_wait_age(row), 15s);
    row.timer_ms = 0;
    EXPECT_EQ(time_wait_age(row), 60s);
    row.timer_ms = 60'001; // nonsense
    EXPECT_FALSE(time_wait_age(row));
    row.timer_ms = 45'000;
    const rapidjson::Document document = json();
    EXPECT_EQ(document["sockets"][0]["state_age_ms"].GetInt(), 15'000);
    EXPECT_FALSE(document["sockets"][0]["age_is_lower_bound"].GetBool());
    EXPECT_TRUE(document["sockets"][0]["uid"].IsNull()) << "a TIME_WAIT is nobody's";
    row.timer = SocketTimer::kKeepalive;
    EXPECT_FALSE(time_wait_age(row));
    row = row_of(TcpState::kEstablished);
    row.timer = SocketTimer::kTimeWait;
    EXPECT_FALSE(time_wait_age(row));
}

TEST_F(Records, MiniSocketsHaveNoUid)
{
    row = row_of(TcpState::kFinWait2);
    EXPECT_EQ(json()["sockets"][0]["uid"].GetUint(), 1000U);
    row.inode = 0;
    row.timer = SocketTimer::kTimeWait; // what outlives close()
    EXPECT_TRUE(json()["sockets"][0]["uid"].IsNull());
}

TEST_F(Records, CsvHasAFieldForEachHeader)
{
    holders = {holder_of(812, 5, "nginx"), holder_of(813, 6, "nginx")};
    EXPECT_EQ(csv(), "tcp,ipv4,7,ESTABLISHED,10.0.0.1,40000,10.0.0.2,443,12,34,1000,777,42,812,"
                     "nginx,held,false,,812:5 813:6");
    EXPECT_EQ(std::ranges::count(csv(), ','), std::ranges::count(list_csv_header(), ','));
}

TEST_F(Records, HostileNamesAreHarmless)
{
    for (const std::string& name : kHostileNames) {
        owner = holder_of(812, 0, name);
        holders = {holder_of(812, 5, name)};
        EXPECT_EQ(json()["sockets"].Size(), 1U);
        EXPECT_TRUE(is_harmless(csv())) << csv();
    }
}

} // namespace
} // namespace tcpledger
