// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What `leaks` says of a suspect, word for word, and what hostile names make of it.
#include "commands/leaks_view.hpp"

#include "hostile.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;

constexpr ProcessKey kNginx{812, 100};
constexpr ProcessKey kWorker{901, 200};

IpAddress address(std::uint8_t last)
{
    IpAddress address = IpAddress::from_ipv4_be(0);
    address.bytes[12] = 10;
    address.bytes[15] = last;
    return address;
}

/// The example that the rule's page begins with.
DescribedSuspect example()
{
    DescribedSuspect described;
    LeakSuspect& suspect = described.suspect;
    suspect.key = {LeakKind::kCloseWait, kNginx, {7, false, {address(5), 5432}}};
    suspect.judgement = {LeakVerdict::kLeak, LeakConfidence::kHigh, 2h};
    suspect.count = 3856;
    suspect.stuck = 3850;
    suspect.patience = 15s;
    suspect.growth_per_min = 41.2;
    suspect.opened_per_min = 41.2;
    suspect.closed_per_min = 0.0;
    suspect.growth_over = 10min;
    suspect.oldest = {2h + 14min, false, std::nullopt};
    suspect.median = {51min, false, std::nullopt};
    suspect.remotes = {{{address(5), 5432}, 3850}};
    suspect.holders = {{kNginx, 3856}};
    suspect.fds = {7, 9, 12};
    suspect.fds_of = kNginx;
    suspect.takes_descriptors = true;
    described.process = kNginx;
    described.names = {{kNginx, "nginx"}, {kWorker, "worker"}};
    described.fds_used = 3900;
    described.fd_limit = 65536;
    return described;
}

LeaksReport report_of(DescribedSuspect described)
{
    LeaksReport report;
    report.observed = 10min;
    report.looks = 121;
    report.connections = 5000;
    report.suspects.push_back(std::move(described));
    return report;
}

std::string json_of(const LeaksReport& report)
{
    JsonWriter json;
    write_json(json, report);
    EXPECT_TRUE(json.complete());
    return std::string(json.take_line());
}

bool contains(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

TEST(LeaksViewTest, TheSentence)
{
    EXPECT_EQ(leak_sentence(example()),
              "leak (high): nginx[812] holds 3,856 CLOSE_WAIT to 10.0.0.5:5432, the oldest 2h14m; "
              "+41/min over the last 10m, none closed; at this rate its 65,536 descriptors are "
              "gone in 1d");
}

TEST(LeaksViewTest, EachKindHasItsWords)
{
    DescribedSuspect described = example();
    described.suspect.growth_per_min.reset();
    described.suspect.count = 12;
    const auto said = [&](LeakKind kind) {
        described.suspect.key.kind = kind;
        const std::string sentence = leak_sentence(described);
        return sentence.substr(sizeof("leak (high): ") - 1,
                               sentence.find(", the oldest") - sizeof("leak (high): ") + 1);
    };
    EXPECT_EQ(said(LeakKind::kIdle), "nginx[812] holds 12 ESTABLISHED to 10.0.0.5:5432 that it has "
                                     "not used for 15s or longer");
    EXPECT_EQ(said(LeakKind::kSynSent),
              "nginx[812] has 12 SYN_SENT to 10.0.0.5:5432, which never answers");
    EXPECT_EQ(said(LeakKind::kFinWait2),
              "nginx[812] has 12 FIN_WAIT2 to 10.0.0.5:5432, whose peer does not close");
    described.suspect.key.peer = {7, true, {{}, 8080}};
    EXPECT_EQ(said(LeakKind::kUnaccepted),
              "nginx[812] leaves 12 connections unaccepted on its port 8080");
    described.process = kWorker;
    described.suspect.holders = {{kWorker, 12}};
    EXPECT_EQ(said(LeakKind::kInherited),
              "worker[901] alone holds 12 connections on port 8080 that "
              "nginx[812] opened and has let go");
    described.suspect.holders = {{kWorker, 8}, {{902, 200}, 4}};
    EXPECT_EQ(said(LeakKind::kInherited),
              "worker[901] and 1 more alone hold 12 connections on port "
              "8080 that nginx[812] opened and has let go");
}

TEST(LeaksViewTest, AgesAreMarked)
{
    DescribedSuspect described = example();
    described.suspect.oldest = {44s, true, std::nullopt};
    EXPECT_TRUE(contains(leak_sentence(described), "the oldest >44s"));
    described.suspect.oldest.estimate = 2h + 14min;
    EXPECT_TRUE(contains(leak_sentence(described), "the oldest about 2h14m"));
    const std::string json = json_of(report_of(described));
    EXPECT_TRUE(contains(json, R"("oldest_age_ms":44000,"oldest_age_is_lower_bound":true,)"
                               R"("oldest_age_estimate_ms":8040000)"));
}

TEST(LeaksViewTest, WhatIsUnknownIsNull)
{
    DescribedSuspect described = example();
    described.suspect.growth_per_min.reset();
    described.suspect.opened_per_min.reset();
    described.suspect.closed_per_min.reset();
    described.fds_used.reset();
    described.fd_limit.reset();
    described.process = kNoProcess;
    const std::string json = json_of(report_of(described));
    for (const char* field :
         {R"("pid":null,"comm":null)", R"("container":null)", R"("growth_per_min":null)",
          R"("closed_per_min":null)", R"("growth_over_ms":null)", R"("fds_used":null)",
          R"("fd_limit":null)", R"("exhausted_in_s":null)", R"("longest_wait_ms":null)",
          R"("local_port":null)", R"("opened_by":null)"}) {
        EXPECT_TRUE(contains(json, field)) << field << " in " << json;
    }
    EXPECT_TRUE(contains(render_text(report_of(described), Painter(), 80), "[unknown]"));
}

TEST(LeaksViewTest, NoForecastForWhatDoesNotGrow)
{
    DescribedSuspect described = example();
    described.suspect.growth_per_min = 0.0;
    EXPECT_FALSE(until_exhausted(described));
    described.suspect.growth_per_min = -3.0;
    EXPECT_FALSE(until_exhausted(described));
    described.suspect.growth_per_min = 1e-9;
    EXPECT_FALSE(until_exhausted(described)); // not in this century
    described.suspect.growth_per_min = 60.0;
    described.fds_used = 70000; // more than a limit that was lowered
    EXPECT_EQ(until_exhausted(described), std::optional<LeakTime>(0s));
}

TEST(LeaksViewTest, TextHasTheFigures)
{
    const std::string text = render_text(report_of(example()), Painter(), 100);
    for (const char* part :
         {"3,850 waited 15s or longer", "oldest 2h14m, median 51m", "3,900 of 65,536 in use",
          "numbers 7, 9, 12", "holders    nginx[812] (3,856)", "to         10.0.0.5:5432 (3,850)",
          "1 leak, 0 suspects in 10m; 5,000 open connections looked at 121 times"}) {
        EXPECT_TRUE(contains(text, part)) << part << " in\n" << text;
    }
}

TEST(LeaksViewTest, NothingFound)
{
    LeaksReport report;
    report.observed = 60s;
    report.looks = 13;
    report.connections = 1;
    EXPECT_EQ(render_text(report, Painter(), 100),
              "no leak suspect in 1m; 1 open connection looked at 13 times\n");
    EXPECT_TRUE(contains(json_of(report), R"("suspects":[])"));
}

TEST(LeaksViewTest, HostileNames)
{
    for (const std::string& name : test::kHostileNames) {
        DescribedSuspect described = example();
        described.names[kNginx] = name;
        described.container = name;
        const LeaksReport report = report_of(described);
        EXPECT_TRUE(test::is_harmless(render_text(report, Painter(), 80), true));
        const std::string json = json_of(report);
        EXPECT_TRUE(test::is_harmless(json));
        EXPECT_EQ(test::parsed(json)["suspects"].Size(), 1U);
    }
}

} // namespace
} // namespace tcpledger
