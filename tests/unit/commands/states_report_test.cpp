// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Counts by state and group, and how they are shown.
#include "commands/states_view.hpp"

#include "hostile.hpp"
#include "listed_sockets.hpp"

#include <unistd.h>

#include <algorithm>

namespace tcpledger {
namespace {

using namespace test;

struct States : ListedFixture {
    StatesOptions options;

    /// `rows` with their owners, in groups.
    StatesReport count(Grouping by, std::optional<std::size_t> limit = std::nullopt)
    {
        options.by = by;
        options.limit = limit;
        StatesCounter counter(by);
        for (const auto& [state, process, served] : sockets) {
            row = row_of(state);
            row.inode = state == TcpState::kTimeWait ? 0 : 777;
            row.uid = state == TcpState::kTimeWait ? 0 : 1000;
            if (state == TcpState::kListen) {
                row.tuple.remote = {};
            }
            owned = process != nullptr;
            owner = owned ? *process : CensusHolder{};
            counter.add(listed(), served);
        }
        return counter.report(limit);
    }

    struct Socket {
        TcpState state;
        const CensusHolder* process;
        bool served;
    };
    CensusHolder nginx = holder_of(812, 0, "nginx");
    CensusHolder kernel = holder_of(0, 0, "[kernel]");
    std::vector<Socket> sockets = {
        {TcpState::kListen, &nginx, true},        {TcpState::kEstablished, &nginx, true},
        {TcpState::kEstablished, &nginx, false},  {TcpState::kTimeWait, nullptr, false},
        {TcpState::kEstablished, &kernel, false}, {TcpState::kNewSynRecv, &nginx, true},
    };
};

std::uint32_t count_of(const StateCounts& counts, TcpState state)
{
    return counts[static_cast<std::size_t>(state)];
}

TEST_F(States, TotalsAreByShownState)
{
    const StatesReport report = count(Grouping::kNone);
    EXPECT_EQ(report.total, 6U);
    EXPECT_EQ(count_of(report.states, TcpState::kEstablished), 3U);
    EXPECT_EQ(count_of(report.states, TcpState::kSynRecv), 1U);
    EXPECT_TRUE(report.groups.empty());
}

TEST_F(States, GroupsSumToTheTotalLargestFirst)
{
    for (const Grouping by : {Grouping::kProcess, Grouping::kRemote, Grouping::kPort,
                              Grouping::kNetns, Grouping::kUser}) {
        const StatesReport report = count(by);
        std::uint64_t sum = 0;
        for (const StateGroup& group : report.groups) {
            sum += group.total;
        }
        EXPECT_EQ(sum, report.total);
        EXPECT_TRUE(
            std::ranges::is_sorted(report.groups, std::ranges::greater(), &StateGroup::total));
        EXPECT_EQ(count(by, 1).groups.size(), 1U);
        EXPECT_EQ(count(by, 1).total, report.total) << "what is cut off still counts";
    }
}

TEST_F(States, ByProcess)
{
    const StatesReport report = count(Grouping::kProcess);
    ASSERT_EQ(report.groups.size(), 3U);
    EXPECT_EQ(report.groups[0].key.name, "nginx");
    EXPECT_EQ(report.groups[0].key.number, 812U);
    EXPECT_EQ(report.groups[0].total, 4U);
    for (const char* pseudo : {"[kernel]", "[unknown]"}) {
        const auto found = std::ranges::find(
            report.groups, pseudo, [](const StateGroup& group) { return group.key.name; });
        ASSERT_NE(found, report.groups.end()) << pseudo;
        EXPECT_FALSE(found->key.number);
    }
}

TEST_F(States, ByPortTellsServedFromUsed)
{
    const StatesReport report = count(Grouping::kPort);
    ASSERT_EQ(report.groups.size(), 2U);
    const auto local = std::ranges::find(
        report.groups, false, [](const StateGroup& group) { return group.key.remote_port; });
    ASSERT_NE(local, report.groups.end());
    EXPECT_EQ(local->key.number, 40000U);
    EXPECT_EQ(local->total, 3U);
    const std::string text = render_text(report, options, Painter(), 0);
    EXPECT_NE(text.find("40000 local"), std::string::npos) << text;
    EXPECT_NE(text.find("  443 remote"), std::string::npos) << text;
}

TEST_F(States, AProcessThatIsGoneHasNoCommandLine)
{
    nginx.pid = 0x7ffffff0; // above any pid
    StatesReport report = count(Grouping::kProcess);
    describe_processes(report);
    for (const StateGroup& group : report.groups) {
        EXPECT_FALSE(group.uptime);
        EXPECT_EQ(group.command_line, "");
    }
    JsonWriter json;
    write_json(json, report, options, std::nullopt);
    const rapidjson::Document document = parsed(json.take_line());
    EXPECT_TRUE(document["processes"][0]["command_line"].IsNull());
    EXPECT_TRUE(document["processes"][0]["uptime_ms"].IsNull());
    EXPECT_FALSE(document.HasMember("time"));
}

TEST_F(States, OurselvesHaveOne)
{
    nginx.pid = static_cast<std::uint32_t>(::getpid());
    nginx.start_ticks = ProcFs().stat(nginx.pid)->start_ticks;
    StatesReport report = count(Grouping::kProcess);
    describe_processes(report);
    EXPECT_TRUE(report.groups[0].uptime);
    EXPECT_NE(report.groups[0].command_line.find("states_report"), std::string::npos);
}

TEST_F(States, EveryStateIsExplained)
{
    for (const TcpState state : kShownStates) {
        const std::string_view text = explanation_of(state);
        EXPECT_GT(text.size(), 40U) << state_name(state);
        EXPECT_NE(text.find("orry"), std::string_view::npos) << state_name(state);
        EXPECT_TRUE(text.ends_with('.')) << state_name(state);
    }
    options.explain = true;
    const std::string text = render_text(count(Grouping::kNone), options, Painter(), 0);
    EXPECT_NE(text.find("\nTIME_WAIT    closed"), std::string::npos) << text;
    EXPECT_EQ(text.find("\nCLOSE_WAIT"), std::string::npos) << "there is none";
}

TEST_F(States, HostileNamesAreHarmless)
{
    for (const std::string& name : kHostileNames) {
        nginx = holder_of(812, 0, name);
        StatesReport report = count(Grouping::kProcess);
        report.groups[0].command_line = name;
        report.groups[0].uptime = std::chrono::seconds(1);
        EXPECT_TRUE(is_harmless(render_text(report, options, Painter(), 0), true));
        JsonWriter json;
        write_json(json, report, options, std::nullopt);
        EXPECT_TRUE(is_harmless(json.take_line()));
        EXPECT_EQ(parsed(json.take_line())["processes"].Size(), 3U);
    }
}

} // namespace
} // namespace tcpledger
