// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A transition as text, CSV and JSON: what is known, what is not, and hostile names.
#include "commands/trace_view.hpp"

#include "hostile.hpp"
#include "trace_lines.hpp"

namespace tcpledger {
namespace {

using namespace std::chrono_literals;
using namespace test;
using enum TcpState;

struct TraceView : testing::Test {
    TraceOptions options;
    ClockReading start{50s, 80s, WallTime(1'700'000'000s)};

    std::string format(const TraceLine& transition)
    {
        TraceFormat format(options, Painter(), start);
        return std::string(format.format(transition));
    }
    std::string header() { return TraceFormat(options, Painter(), start).header(); }

    /// Fields of a CSV row, quotes undone (RFC 4180).
    static std::vector<std::string> fields(std::string_view row)
    {
        std::vector<std::string> result(1);
        bool quoted = false;
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (quoted && row[i] == '"' && i + 1 < row.size() && row[i + 1] == '"') {
                result.back() += row[++i];
            } else if (row[i] == '"') {
                quoted = !quoted;
            } else if (row[i] == ',' && !quoted) {
                result.emplace_back();
            } else {
                result.back() += row[i];
            }
        }
        EXPECT_FALSE(quoted) << row;
        return result;
    }
};

TEST_F(TraceView, JsonIsDesignsObject)
{
    options.common.json = true;
    EXPECT_EQ(header(), "");
    TraceLine one = line(7, 40000, kEstablished, kCloseWait);
    one.time_in_old_state = 1'234'567ns;
    const rapidjson::Document object = parsed(format(one));
    EXPECT_STREQ(object["time"].GetString(), "2023-11-14T22:13:30.000000Z");
    EXPECT_EQ(object["cookie"].GetUint64(), 7U);
    EXPECT_EQ(object["netns"].GetUint(), 4026531840U);
    EXPECT_STREQ(object["family"].GetString(), "ipv4");
    EXPECT_EQ(object["pid"].GetUint(), 812U);
    EXPECT_STREQ(object["comm"].GetString(), "curl");
    EXPECT_STREQ(object["how"].GetString(), "connect");
    EXPECT_STREQ(object["local_address"].GetString(), "10.0.0.1");
    EXPECT_EQ(object["local_port"].GetUint(), 40000U);
    EXPECT_STREQ(object["remote_address"].GetString(), "10.0.0.2");
    EXPECT_EQ(object["remote_port"].GetUint(), 443U);
    EXPECT_STREQ(object["old_state"].GetString(), "ESTABLISHED");
    EXPECT_STREQ(object["new_state"].GetString(), "CLOSE_WAIT");
    EXPECT_DOUBLE_EQ(object["state_ms"].GetDouble(), 1.234);
    EXPECT_EQ(object.MemberCount(), 15U);
}

TEST_F(TraceView, UnknownIsNullInJson)
{
    options.common.json = true;
    TraceLine clone = line(0, 80, kListen, kSynRecv);
    clone.tuple.remote = {};
    clone.pid.reset();
    const rapidjson::Document object = parsed(format(clone));
    for (const char* name : {"cookie", "pid", "remote_address", "remote_port", "state_ms"}) {
        EXPECT_TRUE(object[name].IsNull()) << name;
    }
    const rapidjson::Document connect = parsed(format(line(7, 0, kClose, kSynSent)));
    EXPECT_TRUE(connect["local_port"].IsNull());
}

TEST_F(TraceView, CsvHasAFieldForEachHeader)
{
    options.csv = true;
    const std::size_t columns = fields(header()).size();
    TraceLine clone = line(0, 0, kListen, kSynRecv);
    clone.tuple.remote = {};
    clone.pid.reset();
    EXPECT_EQ(fields(format(clone)).size(), columns);
    TraceLine one = line(7, 40000, kEstablished, kCloseWait);
    one.time_in_old_state = 2ms;
    const std::vector<std::string> row = fields(format(one));
    ASSERT_EQ(row.size(), columns);
    EXPECT_EQ(row[1], "7");
    EXPECT_EQ(row[4], "812");
    EXPECT_EQ(row[5], "curl");
    EXPECT_EQ(row[11], "ESTABLISHED");
    EXPECT_EQ(row[12], "CLOSE_WAIT");
    EXPECT_EQ(row[13], "2.000");
}

TEST_F(TraceView, TextNamesBothStates)
{
    TraceLine one = line(0x2a, 40000, kEstablished, kCloseWait);
    const std::string text = format(one);
    for (const char* word : {"2a", "812", "curl", "connect", "10.0.0.1", "40000", "10.0.0.2", "443",
                             "ESTABLISHED", "->", "CLOSE_WAIT"}) {
        EXPECT_NE(text.find(word), std::string::npos) << word << " in " << text;
    }
    EXPECT_NE(header().find("NEWSTATE"), std::string::npos);
    EXPECT_EQ(header().find("TIME"), std::string::npos);
    options.show_seconds = true;
    EXPECT_NE(format(one).find("10.000000"), std::string::npos) << "since the start";
    options.show_clock_time = true;
    EXPECT_EQ(header().find("TIME"), 0U);
}

TEST_F(TraceView, HostileNamesAreHarmlessEverywhere)
{
    for (const std::string& name : kHostileNames) {
        TraceLine one = line(7, 40000, kEstablished, kCloseWait);
        one.comm = name;
        for (const bool wide : {false, true}) {
            options = {};
            options.wide = wide;
            EXPECT_TRUE(is_harmless(format(one))) << format(one);
        }
        options.csv = true;
        EXPECT_TRUE(is_harmless(format(one))) << format(one);
        EXPECT_EQ(fields(format(one)).size(), fields(header()).size()) << format(one);
        EXPECT_FALSE(fields(format(one))[5].starts_with('='));
        options.csv = false;
        options.common.json = true;
        const std::string json = format(one);
        EXPECT_TRUE(is_harmless(json)) << json;
        EXPECT_EQ(parsed(json).MemberCount(), 15U);
    }
}

TEST_F(TraceView, LossAndDroppedLines)
{
    options.common.json = true;
    TraceFormat json(options, Painter(), start);
    const rapidjson::Document loss = parsed(json.loss(7, 60s));
    EXPECT_EQ(loss["lost"].GetUint(), 7U);
    EXPECT_STREQ(loss["time"].GetString(), "2023-11-14T22:13:30.000000Z");
    EXPECT_EQ(parsed(json.dropped(9, MonotonicTime{}))["dropped"].GetUint(), 9U);
    TraceOptions plain;
    TraceFormat text(plain, Painter(), start);
    EXPECT_EQ(text.loss(7, 60s).find("# 7 "), 0U);
    TraceOptions rows;
    rows.csv = true;
    TraceFormat csv_format(rows, Painter(), start);
    const std::vector<std::string> names = fields(csv_format.header());
    const std::vector<std::string> lost_row = fields(csv_format.loss(7, 60s));
    const std::vector<std::string> dropped_row = fields(csv_format.dropped(9, 60s));
    ASSERT_EQ(lost_row.size(), names.size());
    ASSERT_EQ(dropped_row.size(), names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::string time = names[i] == "time" ? "2023-11-14T22:13:30.000000Z" : "";
        EXPECT_EQ(lost_row[i], names[i] == "lost" ? "7" : time);
        EXPECT_EQ(dropped_row[i], names[i] == "dropped" ? "9" : time);
    }
    EXPECT_EQ(text.dropped(9, MonotonicTime{}).find("# 9 "), 0U);
}

TEST_F(TraceView, ALineThatWaitsForRoomOutlivesWhatIsToldBeforeIt)
{
    options.common.json = true;
    TraceFormat format(options, Painter(), start);
    const std::string_view waiting = format.format(line(7, 40000, kEstablished, kCloseWait));
    const std::string before(waiting);
    EXPECT_EQ(parsed(format.loss(3, 60s))["lost"].GetUint(), 3U);
    EXPECT_EQ(parsed(format.dropped(4, 60s))["dropped"].GetUint(), 4U);
    EXPECT_EQ(waiting, before);
}

TEST_F(TraceView, ALineThatComesTooLateSaysSo)
{
    TraceLine first = line(7, 40000, kEstablished, kCloseWait);
    TraceLine second = line(8, 40001, kEstablished, kCloseWait);
    second.time = first.time - 1500us;
    options.common.json = true;
    TraceFormat json(options, Painter(), start);
    EXPECT_TRUE(parsed(std::string(json.format(first)))["early_ms"].IsNull());
    EXPECT_DOUBLE_EQ(parsed(std::string(json.format(second)))["early_ms"].GetDouble(), 1.5);
    EXPECT_TRUE(parsed(std::string(json.format(first)))["early_ms"].IsNull()) << "not later again";
    TraceOptions plain;
    TraceFormat text(plain, Painter(), start);
    EXPECT_EQ(text.format(first).find('#'), std::string_view::npos);
    EXPECT_NE(text.format(second).find(" # 1ms earlier"), std::string_view::npos);
    TraceOptions rows;
    rows.csv = true;
    TraceFormat csv(rows, Painter(), start);
    const std::vector<std::string> names = fields(csv.header());
    (void)csv.format(first);
    const std::vector<std::string> row = fields(csv.format(second));
    ASSERT_EQ(row.size(), names.size());
    EXPECT_EQ(row[16], "1.500");
    EXPECT_EQ(names[16], "early_ms");
}

TEST_F(TraceView, Bursts)
{
    const BurstMark begin{60s, true, 12'000, 300.7, 0, {}};
    const BurstMark end{60s, false, 0, 300, 5400, 450ms};
    EXPECT_EQ(TraceFormat(options, Painter(), start).burst(begin),
              "# burst: 12,000 transitions/s, usually 300");
    EXPECT_EQ(TraceFormat(options, Painter(), start).burst(end),
              "# burst over: 5,400 transitions in 450ms");
    options.common.json = true;
    const TraceFormat json(options, Painter(), start);
    const rapidjson::Document begun = parsed(json.burst(begin));
    EXPECT_STREQ(begun["burst"].GetString(), "begin");
    EXPECT_EQ(begun["per_s"].GetUint(), 12'000U);
    EXPECT_EQ(begun["usual_per_s"].GetUint(), 300U);
    const rapidjson::Document over = parsed(json.burst(end));
    EXPECT_STREQ(over["burst"].GetString(), "end");
    EXPECT_EQ(over["transitions"].GetUint(), 5400U);
    EXPECT_DOUBLE_EQ(over["lasted_ms"].GetDouble(), 450);
    options.common.json = false;
    options.csv = true;
    const TraceFormat csv(options, Painter(), start);
    ASSERT_EQ(fields(csv.burst(begin)).size(), fields(csv.header()).size());
    EXPECT_EQ(fields(csv.burst(begin)).back(), "12000");
    EXPECT_EQ(fields(csv.burst(end)).back(), "0");
}

TEST_F(TraceView, PseudoProcessesHaveNoPid)
{
    Connection connection;
    connection.owner = kKernelProcess;
    connection.tuple = line(7, 40000, kClose, kClose).tuple;
    Process process;
    process.comm = "[kernel]";
    const AppliedTransition applied{60s, connection, process, kClose, kSynSent, {}, 0};
    EXPECT_FALSE(line_of(applied).pid);
    connection.owner = 5;
    process.key.pid = 812;
    EXPECT_EQ(line_of(applied).pid, 812U);
}

} // namespace
} // namespace tcpledger
