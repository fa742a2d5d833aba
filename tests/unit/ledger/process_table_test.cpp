// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Processes come, are renamed, end and are forgotten; the two that are none stay.
#include "ledger/process_table.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

ProcessFacts facts(std::uint32_t pid, std::uint64_t start, std::string_view comm = "task")
{
    return {{pid, start}, 7, 1000, comm};
}

TEST(ProcessTable, BeginsWithTheTwoThatAreNone)
{
    const ProcessTable table;
    EXPECT_EQ(table.size(), 2U);
    EXPECT_EQ(table.at(kKernelProcess).comm, "[kernel]");
    EXPECT_EQ(table.at(kUnknownProcess).comm, "[unknown]");
    EXPECT_EQ(table.at(kKernelProcess).key.pid, 0U);
}

TEST(ProcessTable, AProcessIsPidAndStart)
{
    ProcessTable table;
    const ProcessId first = table.intern(facts(42, 100));
    EXPECT_EQ(table.intern(facts(42, 100)), first);
    EXPECT_NE(table.intern(facts(42, 101)), first);
    EXPECT_NE(table.intern(facts(43, 100)), first);
    EXPECT_EQ(table.find({42, 100}), first);
    EXPECT_FALSE(table.find({42, 99}));
    EXPECT_EQ(table.size(), 5U);
}

TEST(ProcessTable, FactsAreBroughtUpToDate)
{
    ProcessTable table;
    const ProcessId id = table.intern(facts(42, 100, "before"));
    table.intern({{42, 100}, 0, 0, "after"});
    EXPECT_EQ(table.at(id).comm, "after");
    EXPECT_EQ(table.at(id).cgroup_id, 7U) << "0 is: not known";
    table.intern({{42, 100}, 9, 1001, "after"});
    EXPECT_EQ(table.at(id).cgroup_id, 9U);
    EXPECT_EQ(table.at(id).uid, 1001U);
}

TEST(ProcessTable, AnIntervalStartsAnew)
{
    ProcessTable table;
    const ProcessId id = table.intern(facts(42, 100));
    table.at(id).opened = 5;
    table.at(id).closed = 6;
    table.at(kUnknownProcess).opened = 7;
    table.begin_interval();
    EXPECT_EQ(table.at(id).opened, 0U);
    EXPECT_EQ(table.at(id).closed, 0U);
    EXPECT_EQ(table.at(kUnknownProcess).opened, 0U);
}

struct Fate {
    bool exited;
    std::uint32_t connections;
    bool forgotten;
};

TEST(ProcessTable, WhoIsForgotten)
{
    for (const Fate& fate : {Fate{false, 0, false}, Fate{true, 0, true}, Fate{true, 1, false}}) {
        ProcessTable table;
        const ProcessId id = table.intern(facts(42, 100));
        table.at(id).exited = fate.exited;
        table.at(id).connections = fate.connections;
        table.begin_interval();
        EXPECT_EQ(table.find({42, 100}).has_value(), !fate.forgotten);
        EXPECT_EQ(table.size(), fate.forgotten ? 2U : 3U);
    }
}

TEST(ProcessTable, AForgottenPlaceIsUsedAgainAndClean)
{
    ProcessTable table;
    const ProcessId id = table.intern(facts(42, 100));
    table.at(id).exited = true;
    table.begin_interval();
    table.begin_interval(); // nothing is freed twice
    const ProcessId next = table.intern(facts(43, 200, "next"));
    EXPECT_EQ(next, id);
    EXPECT_FALSE(table.at(next).exited);
    EXPECT_EQ(table.size(), 3U);
    EXPECT_FALSE(table.find({42, 100}));
    EXPECT_NE(table.intern(facts(44, 300)), next);
}

TEST(ProcessTable, ManyShortLivesTakeNoMemory)
{
    ProcessTable table;
    ProcessId highest = 0;
    for (std::uint32_t round = 0; round < 1000; ++round) {
        for (std::uint32_t pid = 0; pid < 20; ++pid) {
            const ProcessId id = table.intern(facts(1000 + pid, round));
            table.at(id).exited = true;
            highest = std::max(highest, id);
        }
        table.begin_interval();
    }
    EXPECT_EQ(table.size(), 2U);
    EXPECT_LE(highest, 22U);
}

TEST(ProcessTable, VisitsThoseInUse)
{
    ProcessTable table;
    const ProcessId gone = table.intern(facts(42, 100));
    table.intern(facts(43, 100));
    table.at(gone).exited = true;
    table.begin_interval();
    std::vector<std::uint32_t> pids;
    table.for_each([&](ProcessId, const Process& process) { pids.push_back(process.key.pid); });
    EXPECT_EQ(pids, (std::vector<std::uint32_t>{0, 0, 43}));
}

TEST(ProcessTable, AStrangersExitIsRememberedOverOneInterval)
{
    ProcessTable table;
    table.note_exit({42, 100});
    table.begin_interval();
    EXPECT_TRUE(table.at(table.intern(facts(42, 100))).exited);
    EXPECT_FALSE(table.at(table.intern(facts(42, 101))).exited) << "its pid, used again";
    table.note_exit({43, 100});
    table.begin_interval();
    table.begin_interval();
    EXPECT_FALSE(table.at(table.intern(facts(43, 100))).exited);
}

TEST(ProcessTable, AKnownOnesExitMarksIt)
{
    ProcessTable table;
    const ProcessId id = table.intern(facts(42, 100));
    table.note_exit({42, 100});
    EXPECT_TRUE(table.at(id).exited);
}

} // namespace
} // namespace tcpledger
