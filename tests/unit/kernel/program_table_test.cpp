// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which programs are tried on which kernel.
#include "kernel/program_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tcpledger {
namespace {

using Functions = std::map<std::string, unsigned>;

Functions linux_6_1()
{
    return {{"inet_csk_accept", 4},
            {"inet_twsk_alloc", 3},
            {"__inet_twsk_schedule", 3},
            {"inet_twsk_kill", 1},
            {"inet_csk_reqsk_queue_hash_add", 3},
            {"inet_csk_reqsk_queue_drop", 2},
            {"__inet_csk_reqsk_queue_drop", 3}};
}

ParameterLookup lookup_in(Functions functions)
{
    return [functions = std::move(functions)](const char* name) -> std::optional<unsigned> {
        const auto found = functions.find(name);
        return found != functions.end() ? std::optional(found->second) : std::nullopt;
    };
}

/// The programs that fit, by name.
std::vector<std::string> fitting(const Functions& functions)
{
    std::vector<std::string> names;
    const ParameterLookup lookup = lookup_in(functions);
    for (const ProgramEntry* entry : choose_programs(BpfObject::kRefined, lookup)) {
        if (misfit(*entry, lookup).empty()) {
            names.emplace_back(entry->program);
        }
    }
    return names;
}

bool has(const std::vector<std::string>& names, const std::string& name)
{
    return std::ranges::find(names, name) != names.end();
}

TEST(ProgramTable, EachThingIsToldByOneProgramAtMost)
{
    const Functions functions = linux_6_1();
    const ParameterLookup lookup = lookup_in(functions);
    std::vector<Tells> told;
    for (const ProgramEntry* entry : choose_programs(BpfObject::kRefined, lookup)) {
        EXPECT_EQ(std::ranges::find(told, entry->tells), told.end()) << entry->program;
        told.push_back(entry->tells);
    }
    EXPECT_EQ(told.size(), 6U);
    EXPECT_EQ(fitting(functions).size(), 6U);
}

TEST(ProgramTable, TheSignatureOfAcceptDecides)
{
    Functions functions = linux_6_1();
    EXPECT_TRUE(has(fitting(functions), "fexit__inet_csk_accept_4"));
    EXPECT_FALSE(has(fitting(functions), "fexit__inet_csk_accept_2"));
    functions["inet_csk_accept"] = 2;
    EXPECT_TRUE(has(fitting(functions), "fexit__inet_csk_accept_2"));
    EXPECT_FALSE(has(fitting(functions), "fexit__inet_csk_accept_4"));
    functions["inet_csk_accept"] = 3;
    EXPECT_EQ(fitting(functions).size(), 5U) << "neither, and the others stay";
}

TEST(ProgramTable, TheSecondBestIsTakenWhereTheBestIsMissing)
{
    Functions functions = linux_6_1();
    EXPECT_TRUE(has(fitting(functions), "fentry____inet_csk_reqsk_queue_drop"));
    functions.erase("__inet_csk_reqsk_queue_drop");
    EXPECT_TRUE(has(fitting(functions), "fentry__inet_csk_reqsk_queue_drop"));
    EXPECT_FALSE(has(fitting(functions), "fentry____inet_csk_reqsk_queue_drop"));
}

TEST(ProgramTable, WhatDoesNotFitSaysWhy)
{
    const ParameterLookup nothing = lookup_in({});
    EXPECT_TRUE(fitting({}).empty());
    const auto chosen = choose_programs(BpfObject::kRefined, nothing);
    ASSERT_EQ(chosen.size(), 6U) << "doctor shows them all the same";
    for (const ProgramEntry* entry : chosen) {
        EXPECT_EQ(misfit(*entry, nothing),
                  std::string("this kernel has no function ") + entry->function);
    }
    const Functions odd = {{"inet_csk_accept", 7}};
    EXPECT_EQ(misfit(*choose_programs(BpfObject::kRefined, lookup_in(odd)).front(), lookup_in(odd)),
              "this kernel's inet_csk_accept() takes 7 arguments");
}

TEST(ProgramTable, TracepointsNeedNoFunction)
{
    for (const BpfObject object : {BpfObject::kTracer, BpfObject::kHolders}) {
        for (const ProgramEntry* entry : choose_programs(object, lookup_in({}))) {
            EXPECT_EQ(misfit(*entry, lookup_in({})), "") << entry->program;
        }
    }
}

TEST(ProgramTable, EveryEntrySaysWhatItGivesAndWhatReplacesIt)
{
    for (const ProgramEntry& entry : program_table()) {
        EXPECT_NE(std::string(entry.gives), "") << entry.program;
        EXPECT_NE(std::string(entry.falls_back_to), "") << entry.program;
        EXPECT_NE(std::string(entry.section).find('/'), std::string::npos) << entry.program;
    }
}

} // namespace
} // namespace tcpledger
