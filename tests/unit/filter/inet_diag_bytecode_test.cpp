// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "filter/inet_diag_bytecode.hpp"

#include "random_expression.hpp"
#include "reference_inet_diag.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

const InetDiagContext kEverythingAllowed{{}, true, true};

InetDiagFilter compile(const std::string& expression, const InetDiagContext& context)
{
    const auto filter = test::parse(expression);
    EXPECT_TRUE(filter) << filter.error().message();
    return compile_inet_diag(*filter, context);
}

/// The letters that the kernel would let pass.
std::string passing(const InetDiagFilter& compiled, const test::Population& population)
{
    if (!compiled.bytecode.empty()) {
        EXPECT_FALSE(compiled.selects_nothing);
    }
    const test::ReferenceInetDiag kernel(compiled.bytecode);
    std::string letters;
    for (const test::Member& member : population.members()) {
        const bool in_states = (compiled.states & set_of(member.view.state)) != 0;
        if (in_states && !compiled.selects_nothing &&
            (compiled.bytecode.empty() || kernel.accepts(member.view))) {
            letters += member.letter;
        }
    }
    return letters;
}

struct Case {
    const char* expression;
    const char* letters; ///< that the kernel lets pass
};

TEST(InetDiagBytecode, WhatTheKernelLetsPass)
{
    const test::Population population;
    const InetDiagContext context{1, true, true};
    constexpr const char* kAll = "abcdefghijklmnop";
    for (const Case& c : {
             Case{"state established", "cdefn"},
             Case{"state established dport = :443", "ef"},
             Case{"sport = :80", "acjno"},
             Case{"sport != :80", "bdefghiklmp"},
             Case{"dport > :1024", "cdghkno"},
             Case{"dport < :22", "ablmp"},
             Case{"dst both", "cfo"},
             Case{"not dst both", "abdeghijklmnp"},
             Case{"dst both sport = :80", "co"},
             Case{"dst both or sport = :443", "bcdfo"},
             Case{"src [::]/0", "bdfk"},
             Case{"src 10.0.0.1", "cdegijn"},
             Case{"src [::ffff:10.0.0.1]", "d"},
             Case{"sport inet6:443", "bd"},
             Case{"fwmark 0x11", "e"},
             Case{"cgroup /web.slice", "abcdn"},
             // what the kernel cannot tell lets pass, whichever way it is asked
             Case{"pid = 101", kAll},
             Case{"not pid = 101", kAll},
             Case{"sport = :80 pid = 101", "acjno"},
             Case{"sport = :80 not pid = 101", "acjno"},
             Case{"sport = :80 or pid = 101", kAll},
             Case{"not ( sport = :80 or pid = 101 )", "bdefghiklmp"},
             Case{"not ( sport = :80 and pid = 101 )", kAll},
             Case{"( age > 5s or sport = :80 ) dport = :443", "ef"},
             Case{"dport = :443 not ( age > 5s or sport = :45000 )", "f"},
             Case{"src inet:10.0.0.1", kAll},
             Case{"sport >= inet6:443", kAll},
             // netns is known of a dump
             Case{"netns = blue", ""},
             Case{"netns != blue", kAll},
             Case{"netns = blue or sport = :80", "acjno"},
             Case{"netns = 1 sport = :80", "acjno"},
             Case{"not ( netns = 1 and sport = :80 )", "bdefghiklmp"},
             Case{"sport = *", kAll},
             Case{"sport != *", ""},
         }) {
        EXPECT_EQ(passing(compile(c.expression, context), population), c.letters) << c.expression;
    }
}

TEST(InetDiagBytecode, NothingToDecideSendsNothing)
{
    for (const char* expression : {"state established", "src *", "comm = nginx", "sport = *"}) {
        const InetDiagFilter compiled = compile(expression, kEverythingAllowed);
        EXPECT_TRUE(compiled.bytecode.empty()) << expression;
        EXPECT_FALSE(compiled.selects_nothing) << expression;
    }
    const InetDiagFilter of_nothing = compile_inet_diag(Filter(), {});
    EXPECT_EQ(of_nothing.states, kAllStates);
    EXPECT_TRUE(of_nothing.bytecode.empty());
}

TEST(InetDiagBytecode, ADumpThatCannotSelectIsNamed)
{
    EXPECT_TRUE(compile("netns = blue", {1, false, false}).selects_nothing);
    EXPECT_FALSE(compile("netns = blue", {2, false, false}).selects_nothing);
    EXPECT_FALSE(compile("netns = blue", {}).selects_nothing);
    EXPECT_TRUE(compile("sport = :80 sport != *", {}).selects_nothing);
}

TEST(InetDiagBytecode, WhatTheSenderMayNotAskIsLeftToUserSpace)
{
    const test::Population population;
    EXPECT_TRUE(compile("fwmark 0x11", {}).bytecode.empty());
    EXPECT_TRUE(compile("cgroup /web.slice", {}).bytecode.empty());
    const InetDiagFilter mixed = compile("fwmark 0x11 dport = :443", {});
    EXPECT_TRUE(test::ReferenceInetDiag(mixed.bytecode).passes_check(false));
    EXPECT_EQ(passing(mixed, population), "ef");
    const InetDiagFilter marked = compile("fwmark 0x11", kEverythingAllowed);
    EXPECT_FALSE(test::ReferenceInetDiag(marked.bytecode).passes_check(false));
    EXPECT_TRUE(test::ReferenceInetDiag(marked.bytecode).passes_check(true));
}

TEST(InetDiagBytecode, BytesOfOneCondition)
{
    const std::vector<std::uint8_t> expected = {INET_DIAG_BC_D_COND,
                                                16,
                                                20,
                                                0, // no: four beyond the end
                                                AF_INET,
                                                8,
                                                0,
                                                0,
                                                0xbb,
                                                1,
                                                0,
                                                0,
                                                10,
                                                0,
                                                0,
                                                0};
    EXPECT_EQ(compile("dst 10.0.0.0/8:443", {}).bytecode, expected);
}

TEST(InetDiagBytecode, DecidedByTheKernelIsDecidedAlike)
{
    const test::Population population;
    test::ExpressionMaker maker(population, test::kKernelLeaves, 1);
    std::size_t programs = 0;
    for (int i = 0; i < 600; ++i) {
        const test::RandomExpression expression = maker.make(4);
        const auto filter = test::parse(expression.text);
        const InetDiagFilter compiled = compile_inet_diag(*filter, kEverythingAllowed);
        if (!compiled.bytecode.empty()) {
            ++programs;
            ASSERT_TRUE(test::ReferenceInetDiag(compiled.bytecode).passes_check(true))
                << expression.text;
        }
        ASSERT_EQ(passing(compiled, population), population.matching(*filter)) << expression.text;
    }
    EXPECT_GT(programs, 400U);
}

TEST(InetDiagBytecode, NeverKeepsBackWhatTheFilterWants)
{
    const test::Population population;
    test::ExpressionMaker maker(population, test::all_leaves(), 2);
    std::size_t narrowed = 0;
    for (int i = 0; i < 1000; ++i) {
        const test::RandomExpression expression = maker.make(4);
        const auto filter = test::parse(expression.text);
        const InetDiagFilter compiled = compile_inet_diag(*filter, {});
        if (!compiled.bytecode.empty()) {
            ASSERT_TRUE(test::ReferenceInetDiag(compiled.bytecode).passes_check(false))
                << expression.text;
        }
        const std::string passed = passing(compiled, population);
        narrowed += passed.size() < population.members().size() ? 1U : 0U;
        for (const char letter : population.matching(*filter)) {
            ASSERT_NE(passed.find(letter), std::string::npos) << letter << ": " << expression.text;
        }
    }
    EXPECT_GT(narrowed, 300U); // else nothing was filtered at all
}

TEST(InetDiagBytecode, AProgramTooLongIsNotSent)
{
    std::string expression = "sport = :1";
    while (!compile(expression, {}).bytecode.empty() && expression.size() < 100000) {
        const InetDiagFilter compiled = compile(expression, {});
        EXPECT_LE(compiled.bytecode.size(), kMaximumBytecodeBytes);
        EXPECT_TRUE(test::ReferenceInetDiag(compiled.bytecode).passes_check(false));
        expression += " or " + expression;
    }
    EXPECT_LT(expression.size(), 100000U);
    EXPECT_FALSE(compile(expression, {}).selects_nothing);
}

} // namespace
} // namespace tcpledger
