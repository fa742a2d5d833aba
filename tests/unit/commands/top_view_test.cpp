// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `top`'s report as text and as the JSON document of DESIGN, hostile names included.
#include "commands/top_view.hpp"

#include "hostile.hpp"

#include <cstring>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;
using namespace test;

TopReport report_of(std::vector<ProcessOverview> processes)
{
    TopReport report;
    report.time = {50s, 80s, WallTime(1'700'000'000s)};
    report.interval = 2000ms;
    report.overview.processes = std::move(processes);
    report.containers.resize(report.overview.processes.size());
    for (const ProcessOverview& process : report.overview.processes) {
        report.overview.connections += process.connections;
        for (std::size_t state = 0; state < kStateSlots; ++state) {
            report.overview.states[state] += process.states[state];
        }
    }
    return report;
}

ProcessOverview server()
{
    ProcessOverview process;
    process.key = ProcessKey{812, 4000}; // 40 s after boot
    process.comm = "nginx";
    process.connections = 5;
    process.states[static_cast<std::size_t>(TcpState::kEstablished)] = 2;
    process.states[static_cast<std::size_t>(TcpState::kCloseWait)] = 3;
    process.opened = 10;
    process.closed = 4;
    process.oldest_close_wait = 61'500ms;
    return process;
}

std::vector<std::string> lines_of(const std::string& text)
{
    std::vector<std::string> lines(1);
    for (const char c : text) {
        if (c == '\n') {
            lines.emplace_back();
        } else {
            lines.back() += c;
        }
    }
    return lines;
}

rapidjson::Document json_of(const TopReport& report)
{
    JsonWriter json;
    write_json(json, report);
    EXPECT_TRUE(json.complete());
    return parsed(json.take_line());
}

TEST(TopText, HasAHeadAndARowAProcess)
{
    TopReport report = report_of({server()});
    report.overview.counters.opened = 10;
    report.lost = 7;
    report.drift = 2;
    const std::string text = render_text(report, Painter(), 0);
    const std::vector<std::string> lines = lines_of(text);
    ASSERT_GE(lines.size(), 5U);
    EXPECT_NE(lines[0].find("5 connections"), std::string::npos) << lines[0];
    EXPECT_NE(lines[0].find("lost 7"), std::string::npos) << lines[0];
    EXPECT_NE(lines[0].find("drift 2"), std::string::npos) << lines[0];
    EXPECT_NE(lines[1].find("ESTABLISHED 2"), std::string::npos) << lines[1];
    EXPECT_NE(lines[1].find("CLOSE_WAIT 3"), std::string::npos) << lines[1];
    EXPECT_EQ(lines[1].find("LISTEN"), std::string::npos) << "no zeros: " << lines[1];
    EXPECT_NE(text.find("nginx"), std::string::npos);
    EXPECT_NE(text.find("812"), std::string::npos);
    EXPECT_EQ(text.find("CONTAINER"), std::string::npos) << "nobody is in one";
}

TEST(TopText, RatesArePerSecond)
{
    TopReport report = report_of({});
    report.overview.counters.opened = 10;
    report.interval = 2000ms;
    EXPECT_NE(render_text(report, Painter(), 0).find("5.0 opened/s"), std::string::npos)
        << render_text(report, Painter(), 0);
    report.interval = 0ms; // no time has passed: no rate, no division by zero
    EXPECT_NE(render_text(report, Painter(), 0).find(" opened/s"), std::string::npos);
}

TEST(TopText, OfNothing)
{
    EXPECT_NE(render_text(report_of({}), Painter(), 0).find("no TCP sockets"), std::string::npos);
}

TEST(TopText, ContainersExitedAndPseudoProcesses)
{
    ProcessOverview unknown;
    unknown.comm = "[unknown]";
    ProcessOverview gone = server();
    gone.exited = true;
    TopReport report = report_of({gone, unknown});
    report.containers[0] = "docker:0123456789ab";
    const std::string text = render_text(report, Painter(), 0);
    EXPECT_NE(text.find("CONTAINER"), std::string::npos);
    EXPECT_NE(text.find("docker:0123456789ab"), std::string::npos);
    EXPECT_NE(text.find("nginx (exited)"), std::string::npos);
    EXPECT_NE(text.find("[unknown]"), std::string::npos);
}

TEST(TopText, ALowerBoundSaysSo)
{
    ProcessOverview process = server();
    const std::string exact = render_text(report_of({process}), Painter(), 0);
    process.oldest_is_lower_bound = true;
    const std::string bound = render_text(report_of({process}), Painter(), 0);
    EXPECT_EQ(exact.find('>'), std::string::npos) << exact;
    EXPECT_NE(bound.find('>'), std::string::npos) << bound;
}

TEST(TopText, HostileNamesAreHarmless)
{
    for (const std::string& name : kHostileNames) {
        for (const std::size_t width : {0U, 20U, 80U}) {
            ProcessOverview process = server();
            process.comm = name;
            TopReport report = report_of({process, server()});
            report.containers[0] = name;
            const std::string text = render_text(report, Painter(), width);
            EXPECT_TRUE(is_harmless(text, /*line_ends=*/true)) << text;
            EXPECT_EQ(
                lines_of(text).size(),
                lines_of(render_text(report_of({server(), server()}), Painter(), width)).size())
                << "one line a process";
        }
    }
}

TEST(TopJson, IsDesignsDocument)
{
    TopReport report = report_of({server()});
    report.containers[0] = "docker:0123";
    report.overview.counters = {.transitions = 100, .opened = 10, .closed = 4, .malformed = 0};
    report.lost = 7;
    report.drift = 2;
    const rapidjson::Document document = json_of(report);
    EXPECT_EQ(document["version"].GetInt(), 1);
    EXPECT_STREQ(document["time"].GetString(), "2023-11-14T22:13:20.000000Z");
    EXPECT_EQ(document["interval_ms"].GetInt(), 2000);
    const auto& totals = document["totals"];
    EXPECT_EQ(totals["connections"].GetUint(), 5U);
    EXPECT_EQ(totals["opened"].GetUint(), 10U);
    EXPECT_EQ(totals["closed"].GetUint(), 4U);
    EXPECT_EQ(totals["transitions"].GetUint(), 100U);
    EXPECT_EQ(totals["lost"].GetUint(), 7U);
    EXPECT_EQ(totals["drift"].GetUint(), 2U);
    EXPECT_EQ(totals["states"].MemberCount(), kShownStates.size()) << "zeros included";
    EXPECT_EQ(totals["states"]["CLOSE_WAIT"].GetUint(), 3U);
    EXPECT_EQ(totals["states"]["LISTEN"].GetUint(), 0U);
    ASSERT_EQ(document["processes"].Size(), 1U);
    const auto& process = document["processes"][0];
    EXPECT_EQ(process["pid"].GetUint(), 812U);
    EXPECT_STREQ(process["start_time"].GetString(), "2023-11-14T22:12:40.000000Z");
    EXPECT_STREQ(process["comm"].GetString(), "nginx");
    EXPECT_STREQ(process["container"].GetString(), "docker:0123");
    EXPECT_EQ(process["states"]["ESTABLISHED"].GetUint(), 2U);
    EXPECT_EQ(process["opened"].GetUint(), 10U);
    EXPECT_EQ(process["closed"].GetUint(), 4U);
    EXPECT_DOUBLE_EQ(process["oldest_close_wait_ms"].GetDouble(), 61'500.0);
}

TEST(TopJson, UnknownIsNull)
{
    ProcessOverview unknown;
    unknown.comm = "[unknown]";
    const rapidjson::Document document = json_of(report_of({unknown}));
    const auto& process = document["processes"][0];
    EXPECT_TRUE(process["pid"].IsNull());
    EXPECT_TRUE(process["start_time"].IsNull());
    EXPECT_TRUE(process["container"].IsNull());
    EXPECT_TRUE(process["oldest_close_wait_ms"].IsNull());
}

TEST(TopJson, HostileNamesKeepTheDocumentWhole)
{
    for (const std::string& name : kHostileNames) {
        ProcessOverview process = server();
        process.comm = name;
        TopReport report = report_of({process});
        report.containers[0] = name;
        JsonWriter json;
        write_json(json, report);
        EXPECT_TRUE(is_harmless(json.take_line())) << json.take_line();
        const rapidjson::Document document = json_of(report);
        EXPECT_EQ(document["processes"].Size(), 1U);
        EXPECT_TRUE(document["processes"][0]["comm"].IsString());
    }
}

} // namespace
} // namespace tcpledger
