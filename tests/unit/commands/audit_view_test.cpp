// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Findings as text, Markdown and JSON, whatever names the processes give themselves.
#include "commands/audit_view.hpp"

#include "hostile.hpp"

#include <netinet/in.h>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;
using namespace test;

Advice act(const char* action, const char* why)
{
    Advice advice;
    advice.action = action;
    advice.why = why;
    return advice;
}

Finding finding(Severity severity = Severity::kWarning)
{
    Finding one;
    one.id = "accept_queue";
    one.severity = severity;
    one.title = "the accept queue is nearly full";
    one.netns = 4026531840U;
    AuditProcess& process = one.process.emplace();
    process.pid = 812;
    process.comm = "shop";
    process.command_line = "shop --serve";
    one.local = Endpoint{IpAddress::from_ipv4_be(htonl(INADDR_LOOPBACK)), 80};
    one.numbers = {{"waiting", 7}, {"limit", 8}};
    one.evidence = "7 of 8 wait";
    one.meaning = "it is slow";
    one.advice.push_back({.action = "set net.core.somaxconn",
                          .sysctl = "net.core.somaxconn",
                          .present = "8",
                          .proposed = "128",
                          .why = "7 wait",
                          .risk = "longer waits",
                          .command = "sysctl -w net.core.somaxconn=128"});
    return one;
}

TEST(AuditView, Text)
{
    EXPECT_EQ(render_finding(finding(), Painter(false), 80),
              "WARNING   the accept queue is nearly full\n"
              "  evidence  7 of 8 wait\n"
              "  program   shop --serve\n"
              "  meaning   it is slow\n"
              "  advice    set net.core.somaxconn\n"
              "            now 8, proposed 128: 7 wait\n"
              "            risk: longer waits\n"
              "            # sysctl -w net.core.somaxconn=128\n");
}

TEST(AuditView, AdviceWithoutASetting)
{
    Finding one = finding();
    one.advice.assign(1, act("close it", "only that helps"));
    const std::string text = render_finding(one, Painter(false), 80);
    EXPECT_NE(text.find("advice    close it\n            only that helps\n"), std::string::npos);
    EXPECT_EQ(text.find("now "), std::string::npos);
    EXPECT_EQ(text.find("risk"), std::string::npos);
    EXPECT_EQ(text.find('#'), std::string::npos);
}

TEST(AuditView, LinesKeepTheWidthAndCommandsStayWhole)
{
    Finding one = finding();
    one.evidence = one.meaning = std::string(40, 'a') + " " + std::string(40, 'b');
    one.advice[0].command = "sysctl -w " + std::string(90, 'x');
    const std::string text = render_finding(one, Painter(false), 60);
    std::size_t from = 0;
    for (std::size_t end = text.find('\n'); end != std::string::npos;
         from = end + 1, end = text.find('\n', from)) {
        const std::string line = text.substr(from, end - from);
        EXPECT_TRUE(line.size() <= 60 || line.find("# ") != std::string::npos) << line;
    }
    EXPECT_NE(text.find("# sysctl -w " + std::string(90, 'x') + "\n"), std::string::npos);
}

TEST(AuditView, Summary)
{
    EXPECT_EQ(summary({}), "no finding");
    const std::vector<Finding> one = {finding()};
    EXPECT_EQ(summary(one), "1 finding: 1 warning");
    const std::vector<Finding> several = {finding(Severity::kInfo), finding(Severity::kCritical),
                                          finding(Severity::kInfo)};
    EXPECT_EQ(summary(several), "3 findings: 1 critical, 2 info");
}

TEST(AuditView, Json)
{
    JsonWriter json;
    json.begin_object();
    write_findings(json, std::vector<Finding>{finding()});
    json.end_object();
    const auto document = parsed(json.take_line());
    const auto& shown = document["findings"][0];
    EXPECT_STREQ(shown["id"].GetString(), "accept_queue");
    EXPECT_STREQ(shown["severity"].GetString(), "warning");
    EXPECT_EQ(shown["process"]["pid"].GetInt(), 812);
    EXPECT_TRUE(shown["process"]["running_ms"].IsNull());
    EXPECT_TRUE(shown["process"]["fd_limit"].IsNull());
    EXPECT_EQ(shown["local_port"].GetInt(), 80);
    EXPECT_TRUE(shown["remote_address"].IsNull());
    EXPECT_EQ(shown["numbers"]["limit"].GetInt(), 8);
    EXPECT_STREQ(shown["advice"][0]["proposed"].GetString(), "128");
}

TEST(AuditView, UnknownIsNull)
{
    JsonWriter json;
    json.begin_object();
    Finding bare;
    bare.advice.assign(1, act("x", "y"));
    write_findings(json, std::vector<Finding>{bare});
    json.end_object();
    const auto document = parsed(json.take_line());
    const auto& shown = document["findings"][0];
    for (const char* name : {"netns", "process", "local_address", "remote_port"}) {
        EXPECT_TRUE(shown[name].IsNull()) << name;
    }
    for (const char* name : {"sysctl", "present", "proposed", "risk", "command"}) {
        EXPECT_TRUE(shown["advice"][0][name].IsNull()) << name;
    }
}

TEST(AuditView, HostileNamesAreHarmless)
{
    for (const std::string& name : kHostileNames) {
        Finding one = finding();
        one.title = one.evidence = one.process->comm = one.process->command_line = name;
        one.advice[0].action = one.advice[0].command = one.advice[0].present = name;
        EXPECT_TRUE(is_harmless(render_finding(one, Painter(false), 80), true));
        EXPECT_TRUE(is_harmless(markdown_finding(one), true));
        JsonWriter json;
        json.begin_object();
        write_findings(json, std::vector<Finding>{one});
        json.end_object();
        EXPECT_TRUE(is_harmless(json.take_line()));
        parsed(json.take_line());
    }
}

TEST(AuditView, MarkdownStaysText)
{
    Finding one = finding();
    one.title = "<script>`*_[x](y)|#";
    one.process->command_line = "a`b";
    const std::string text = markdown_finding(one);
    EXPECT_NE(text.find("\\<script\\>\\`\\*\\_\\[x\\](y)\\|\\#"), std::string::npos) << text;
    EXPECT_NE(text.find("`a'b`"), std::string::npos) << text;
}

} // namespace
} // namespace tcpledger
