// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A churn report as text and as JSON: the sentence, rows that fold, hostile names.
#include "commands/churn_view.hpp"

#include "commands/churn_words.hpp"

#include "../analysis/churning.hpp"
#include "hostile.hpp"

namespace tcpledger {
namespace {

using namespace test;

struct ChurnView : testing::Test {
    ChurnBook book{ChurnGrouping::kProcess, 2s};

    /// curl, once a process, from cron.sh.
    void curls(int times, const std::string& comm = "curl")
    {
        for (int number = 0; number < times; ++number) {
            const auto pid = static_cast<std::uint32_t>(1000 + number);
            tell(book, life(program(pid, comm), 1s + number * 60s / times, 31ms));
        }
        book.retire([](const ProcessKey&) { return true; });
    }
    [[nodiscard]] ChurnReport report(std::size_t rows = 10) const
    {
        ChurnReport report = make_churn_report(book, rows);
        report.watched = 60s;
        report.poll = 2s;
        return report;
    }
    static std::string text(const ChurnReport& report)
    {
        return render_churn(report, Painter(), 0);
    }
    static rapidjson::Document document(const ChurnReport& report)
    {
        JsonWriter json;
        write_json(json, report, std::chrono::system_clock::time_point(1'700'000'000s));
        return parsed(json.take_line());
    }
};

TEST_F(ChurnView, TheSentence)
{
    curls(412);
    ChurnReport made = report();
    ASSERT_EQ(made.churners.size(), 1U);
    made.churners[0].figures.processes = 1;
    made.churners[0].parent = "cron.sh";
    EXPECT_EQ(churner_sentence(made.churners[0], made.watched),
              "curl ×412/min to 10.0.0.7:443 from cron.sh, median life 31.0ms: a keep-alive "
              "connection would save 411 handshakes/min");
    made.churners[0].figures.processes = 412;
    made.churners[0].parent.clear();
    EXPECT_EQ(churner_sentence(made.churners[0], 30s),
              "curl (412 processes) ×824/min to 10.0.0.7:443, median life 31.0ms: a keep-alive "
              "connection would save 822 handshakes/min");
}

TEST_F(ChurnView, OfOnesThatFail)
{
    for (int number = 0; number < 10; ++number) {
        FinishedLife refused = life(program(8, "app"), number * 1s, 1ms);
        refused.last_state = TcpState::kSynSent;
        refused.ending = number < 7 ? Ending::kRefused : Ending::kTimeout;
        book.ended(refused, {refused.connection, refused.owner, true});
    }
    EXPECT_EQ(churner_sentence(report().churners.at(0), 60s),
              "app[8] ×10.0/min to 10.0.0.7:443, median life 1.00ms, all fail (refused)");
    EXPECT_NE(text(report()).find("failed and aborted: 3 timeout, 7 refused"), std::string::npos)
        << text(report());
}

TEST_F(ChurnView, OfOnesThatComeIn)
{
    FinishedLife in = life(program(9, "nginx"), 1s, 31ms);
    in.connection.passive = true;
    in.connection.tuple.local.port = 8080;
    tell(book, in);
    EXPECT_EQ(churner_sentence(report().churners.at(0), 60s),
              "nginx[9] ×1.0/min come in on port 8080, median life 31.0ms");
}

TEST_F(ChurnView, TextSaysWhatIsAsked)
{
    curls(412);
    const std::string shown = text(report());
    for (const char* words :
         {"1m watched", "opened           412      6.9/s", "412 outgoing, 0 incoming",
          "median 31.0ms, p90 31.0ms", "98.5% of what closed", "411 of 412 outgoing (99.8%)",
          "100 B sent, 1000 B received by a connection", "412 stand at this rate",
          "20ms - 50ms    412 ████", "Top churners", "curl (412 processes)"}) {
        EXPECT_NE(shown.find(words), std::string::npos) << words << "\n" << shown;
    }
}

TEST_F(ChurnView, JsonSaysTheSame)
{
    curls(412);
    const rapidjson::Document made = document(report());
    EXPECT_EQ(made["version"].GetInt(), 1);
    EXPECT_EQ(made["watched_ms"].GetDouble(), 60'000.0);
    const auto& totals = made["totals"];
    EXPECT_EQ(totals["opened"].GetUint64(), 412U);
    EXPECT_EQ(totals["spared"].GetUint64(), 411U);
    EXPECT_EQ(totals["lifetime"]["median_ms"].GetDouble(), 31.0);
    EXPECT_NEAR(totals["unseen_share"].GetDouble(), 1 - 0.031 / 2, 1e-9);
    EXPECT_EQ(totals["dwell"]["ESTABLISHED"]["count"].GetUint64(), 412U);
    EXPECT_EQ(totals["connect"]["count"].GetUint64(), 412U);
    EXPECT_TRUE(totals["accept_wait"]["median_ms"].IsNull());
    EXPECT_EQ(totals["closed_by"]["local"].GetUint64(), 412U);
    ASSERT_EQ(made["rows"].Size(), 1U);
    EXPECT_TRUE(made["rows"][0]["pid"].IsNull());
    EXPECT_EQ(made["rows"][0]["processes"].GetUint64(), 412U);
    EXPECT_STREQ(made["churners"][0]["remote_address"].GetString(), "10.0.0.7");
    EXPECT_TRUE(made["ports"][0]["ports_used"].IsNull()) << "nobody has counted them";
}

TEST_F(ChurnView, RowsBeyondTheLimitAreOneRow)
{
    for (std::uint32_t pid = 1; pid <= 30; ++pid) {
        tell(book, life(program(pid, "app"), 1s, 5ms));
    }
    const ChurnReport made = report(3);
    EXPECT_NE(text(made).find("[others] (27)"), std::string::npos) << text(made);
    const rapidjson::Document json = document(made);
    EXPECT_EQ(json["rows"].Size(), 3U);
    EXPECT_EQ(json["others"]["rows"].GetUint64(), 27U);
    EXPECT_EQ(json["others"]["closed"].GetUint64(), 27U);
}

TEST_F(ChurnView, OfNothing)
{
    const std::string shown = text(report());
    EXPECT_EQ(shown.find("nan"), std::string::npos);
    EXPECT_EQ(shown.find("[others]"), std::string::npos) << shown;
    EXPECT_TRUE(document(report())["totals"]["unseen_share"].IsNull());
}

TEST_F(ChurnView, HostileNames)
{
    for (const std::string& name : kHostileNames) {
        curls(3, name);
    }
    ChurnReport made = report(100);
    for (Churner& churner : made.churners) {
        churner.parent = kHostileNames[0] + kHostileNames[1];
    }
    EXPECT_TRUE(is_harmless(text(made), true)) << text(made);
    EXPECT_EQ(document(made)["rows"].Size(), kHostileNames.size());
}

TEST_F(ChurnView, HostileContainers)
{
    ChurnBook by_container(ChurnGrouping::kContainer, 2s);
    for (const std::string& name : kHostileNames) {
        tell(by_container, life(program(8, "app"), 1s, 5ms), name);
    }
    ChurnReport made = make_churn_report(by_container, 100);
    made.by = ChurnGrouping::kContainer;
    EXPECT_TRUE(is_harmless(text(made), true)) << text(made);
    EXPECT_EQ(document(made)["rows"].Size(), kHostileNames.size());
}

} // namespace
} // namespace tcpledger
