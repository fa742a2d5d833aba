// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A finished connection as text, CSV and JSON: what is known, what is not, and hostile names.
#include "commands/life_view.hpp"

#include "hostile.hpp"
#include "trace_lines.hpp"

#include <cerrno>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;
using namespace test;
using enum TcpState;

struct LifeView : testing::Test {
    LifeOptions options;
    ClockReading start{50s, 80s, WallTime(1'700'000'000s)};

    static FinishedLife life()
    {
        FinishedLife life;
        life.connection.tuple = {4026531840U, {ipv4(1), 40000}, {ipv4(2), 443}};
        life.connection.cookie = 7;
        life.connection.owner = 5;
        life.connection.how = How::kClose;
        life.connection.opened = 60s;
        life.owner.key = {812, 1};
        life.owner.comm = "curl";
        life.closed = 60s + 31'250us;
        life.duration = 31'250us;
        life.connect = 1'500us;
        life.time_in_state[static_cast<std::size_t>(kSynSent)] = 1'500us;
        life.time_in_state[static_cast<std::size_t>(kEstablished)] = 29'000us;
        life.figures = {1000, 20, 300, 1, 120us, 80us};
        life.last_state = kFinWait2;
        return life;
    }
    [[nodiscard]] std::string format(const FinishedLife& one) const
    {
        LifeFormat format(options, Painter(), start, ResetReasons());
        return std::string(format.format(one, identity_of(one)));
    }
    [[nodiscard]] std::string header() const
    {
        return LifeFormat(options, Painter(), start, ResetReasons()).header();
    }
    static std::size_t commas(const std::string& row)
    {
        return static_cast<std::size_t>(std::count(row.begin(), row.end(), ','));
    }
};

TEST_F(LifeView, JsonIsDesignsObject)
{
    options.line.common.json = true;
    EXPECT_EQ(header(), "");
    const rapidjson::Document object = parsed(format(life()));
    EXPECT_EQ(object["cookie"].GetUint64(), 7U);
    EXPECT_EQ(object["pid"].GetUint(), 812U);
    EXPECT_STREQ(object["comm"].GetString(), "curl");
    EXPECT_STREQ(object["how"].GetString(), "close");
    EXPECT_STREQ(object["direction"].GetString(), "out");
    EXPECT_STREQ(object["local_address"].GetString(), "10.0.0.1");
    EXPECT_EQ(object["remote_port"].GetUint(), 443U);
    EXPECT_STREQ(object["opened"].GetString(), "2023-11-14T22:13:30.000000Z");
    EXPECT_STREQ(object["closed"].GetString(), "2023-11-14T22:13:30.031250Z");
    EXPECT_DOUBLE_EQ(object["duration_ms"].GetDouble(), 31.25);
    EXPECT_EQ(object["bytes_sent"].GetUint64(), 1000U);
    EXPECT_EQ(object["bytes_received"].GetUint64(), 300U);
    EXPECT_EQ(object["bytes_retransmitted"].GetUint64(), 20U);
    EXPECT_EQ(object["srtt_us"].GetInt64(), 120);
    EXPECT_EQ(object["min_rtt_us"].GetInt64(), 80);
    EXPECT_EQ(object["retransmits"].GetUint(), 1U);
    EXPECT_DOUBLE_EQ(object["connect_ms"].GetDouble(), 1.5);
    EXPECT_TRUE(object["accept_wait_ms"].IsNull());
    EXPECT_STREQ(object["last_state"].GetString(), "FIN_WAIT2");
    EXPECT_STREQ(object["closed_by"].GetString(), "local");
    EXPECT_TRUE(object["error"].IsNull());
    EXPECT_TRUE(object["reset"].IsNull());
    EXPECT_TRUE(object["process_end"].IsNull());
    EXPECT_DOUBLE_EQ(object["states_ms"]["ESTABLISHED"].GetDouble(), 29.0);
    EXPECT_FALSE(object["states_ms"].HasMember("CLOSE_WAIT"));
}

TEST_F(LifeView, WhatIsNotKnownIsNull)
{
    options.line.common.json = true;
    FinishedLife one = life();
    one.duration.reset();
    one.connect.reset();
    one.figures = {};
    one.connection.owner = kUnknownProcess;
    one.owner.comm = "[unknown]";
    one.error = ECONNRESET;
    one.ending = Ending::kResetReceived;
    one.reset = Reset{false, {}};
    one.process_end = ProcessEnd::kKilled;
    const rapidjson::Document object = parsed(format(one));
    for (const char* name :
         {"pid", "opened", "duration_ms", "srtt_us", "min_rtt_us", "connect_ms"}) {
        EXPECT_TRUE(object[name].IsNull()) << name;
    }
    EXPECT_STREQ(object["error"].GetString(), "ECONNRESET");
    EXPECT_STREQ(object["reset"]["direction"].GetString(), "received");
    EXPECT_TRUE(object["reset"]["reason"].IsNull());
    EXPECT_STREQ(object["process_end"].GetString(), "killed");
}

TEST_F(LifeView, CsvRowsHaveTheHeadersColumns)
{
    options.line.csv = true;
    EXPECT_EQ(commas(format(life())), commas(header()));
    LifeFormat format(options, Painter(), start, ResetReasons());
    EXPECT_EQ(commas(format.gap(3, {}, 60s)), commas(header()));
    EXPECT_TRUE(format.gap(3, {}, 60s).ends_with(",3,"));
    EXPECT_TRUE(format.gap({}, 4, 60s).ends_with(",,4"));
}

TEST_F(LifeView, Text)
{
    const std::string line = format(life());
    for (const char* word : {"812", "curl", "out", "10.0.0.1", "40000", "10.0.0.2", "443", "1000",
                             "300", "31.250", "local"}) {
        EXPECT_NE(line.find(word), std::string::npos) << word;
    }
    EXPECT_EQ(line.find("ESTABLISHED"), std::string::npos) << "only with -x";
}

TEST_F(LifeView, TextExtended)
{
    options.extended = true;
    FinishedLife one = life();
    one.reset = Reset{true, 3};
    one.error = ETIMEDOUT;
    const std::string line = format(one);
    for (const char* word : {"1.500", "0.120", "0.080", "ETIMEDOUT", "RST-sent",
                             "SYN_SENT=1.500 ESTABLISHED=29.000"}) {
        EXPECT_NE(line.find(word), std::string::npos) << word;
    }
}

TEST_F(LifeView, HostileNamesStayInTheirPlace)
{
    for (const std::string& name : kHostileNames) {
        FinishedLife one = life();
        one.owner.comm = name;
        options.line.common.json = true;
        (void)parsed(format(one));
        options.line.common.json = false;
        EXPECT_TRUE(is_harmless(format(one))) << name;
    }
}

} // namespace
} // namespace tcpledger
