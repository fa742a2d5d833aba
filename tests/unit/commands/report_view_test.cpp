// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A report's page as text, Markdown and JSON, whatever names the processes give themselves.
#include "commands/report_view.hpp"

#include "hostile.hpp"

#include <netinet/in.h>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;
using namespace test;

ReportPage page(const std::string& name = "shop")
{
    ReportPage one;
    one.interval = 2s;
    one.host = {"box", "Linux 6.18.5", "x86_64", 2, 3h};
    one.total = 5;
    one.states[static_cast<std::size_t>(TcpState::kCloseWait)] = 4;
    one.states[static_cast<std::size_t>(TcpState::kListen)] = 1;
    one.balance.push_back({4026531840U, name, false, 5, 5, 0, std::nullopt});
    AuditProcess process;
    process.pid = 812;
    process.comm = name;
    process.command_line = name + " --serve";
    process.running_for = 3h;
    process.descriptors_used = 9;
    process.descriptor_limit = 1024;
    one.processes[0].push_back({process, 4});
    one.processes[1].push_back({std::nullopt, 7});
    one.time_wait_services.push_back(
        {{IpAddress::from_ipv4_be(htonl(INADDR_LOOPBACK)), 443}, false, 7});
    return one;
}

TEST(ReportView, Text)
{
    const std::string text = render_report(page(), Painter(false), 80);
    for (const char* words :
         {"box, Linux 6.18.5 x86_64, 2 CPUs, up 3h", "audit     no finding", "4026531840 shop",
          "CLOSE_WAIT     4   80.0%", "Most CLOSE_WAIT by process", "9/1,024", "[unknown]",
          "127.0.0.1:443 remote", "no listeners"}) {
        EXPECT_NE(text.find(words), std::string::npos) << words << "\n" << text;
    }
    EXPECT_EQ(text.find("Most ESTABLISHED"), std::string::npos) << "nobody has any";
}

TEST(ReportView, Json)
{
    JsonWriter json;
    write_json(json, page());
    const auto document = parsed(json.take_line());
    EXPECT_EQ(document["version"].GetInt(), 1);
    EXPECT_EQ(document["states"]["CLOSE_WAIT"].GetInt(), 4);
    EXPECT_TRUE(document["balance"][0]["kernel_time_wait"].IsNull());
    EXPECT_EQ(document["most"]["CLOSE_WAIT"][0]["count"].GetInt(), 4);
    EXPECT_TRUE(document["most"]["TIME_WAIT"][0]["pid"].IsNull());
    EXPECT_TRUE(document["most"]["ESTABLISHED"].Empty());
    EXPECT_FALSE(document["time_wait_services"][0]["here"].GetBool());
    EXPECT_TRUE(document["findings"].Empty());
}

TEST(ReportView, HostileNamesAreHarmless)
{
    for (const std::string& name : kHostileNames) {
        EXPECT_TRUE(is_harmless(render_report(page(name), Painter(false), 80), true));
        EXPECT_TRUE(is_harmless(markdown_report(page(name)), true));
        JsonWriter json;
        write_json(json, page(name));
        EXPECT_TRUE(is_harmless(json.take_line()));
        parsed(json.take_line());
    }
}

TEST(ReportView, NoNameEndsAFence)
{
    const std::string text = markdown_report(page("```\n```"));
    std::size_t fences = 0;
    for (std::size_t at = text.find("\n```"); at != std::string::npos;
         at = text.find("\n```", at + 1)) {
        ++fences;
    }
    EXPECT_EQ(fences % 2, 0U) << text;
    const std::string plain = markdown_report(page());
    std::size_t plain_fences = 0;
    for (std::size_t at = plain.find("\n```"); at != std::string::npos;
         at = plain.find("\n```", at + 1)) {
        ++plain_fences;
    }
    EXPECT_EQ(fences, plain_fences);
}

} // namespace
} // namespace tcpledger
