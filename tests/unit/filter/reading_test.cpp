// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a filter tells of itself: whether states were given, and where ss would read otherwise.
#include "population.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

constexpr const char* kEverything = "abcdefghijklmnop";

TEST(FilterReading, ManyWordsAndOneTextAreTheSame)
{
    const test::Population population;
    const std::vector<std::string> words = {"state", "established", "(",          "dport", "=",
                                            ":443",  "or",          "sport=:443", ")"};
    const auto filter = parse_filter(words, test::population_names());
    ASSERT_TRUE(filter) << filter.error().message();
    EXPECT_EQ(population.matching(*filter), "def");
}

TEST(FilterReading, NothingIsTheFilterThatMatchesEverything)
{
    const test::Population population;
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{}, {""}, {"", " ", "\t\n"}}) {
        const auto filter = parse_filter(words, Names{});
        ASSERT_TRUE(filter);
        EXPECT_TRUE(filter->empty());
        EXPECT_FALSE(filter->has_state_filter());
        EXPECT_EQ(filter->states(), kAllStates);
        EXPECT_EQ(population.matching(*filter), kEverything);
    }
}

TEST(FilterReading, WhetherStatesWereGivenIsKnown)
{
    const auto only_expression = test::parse("sport = :80");
    EXPECT_FALSE(only_expression->has_state_filter());
    EXPECT_FALSE(only_expression->empty());
    EXPECT_EQ(only_expression->states(), kAllStates);

    const auto only_states = test::parse("state syn-recv state closed");
    EXPECT_TRUE(only_states->has_state_filter());
    EXPECT_FALSE(only_states->empty());
    EXPECT_EQ(only_states->states(), set_of(TcpState::kSynRecv) | set_of(TcpState::kNewSynRecv) |
                                         set_of(TcpState::kClose) |
                                         set_of(TcpState::kBoundInactive));

    EXPECT_TRUE(test::parse("state all")->has_state_filter());
    EXPECT_EQ(test::parse("exclude listening")->states(), kAllStates & ~set_of(TcpState::kListen));
}

TEST(FilterReading, WarnsWhereSsReadsFromTheLeft)
{
    struct Warned {
        const char* expression;
        const char* ours;
        const char* of_ss;
    };
    for (const Warned& c : {
             Warned{"sport = 1 or sport = 2 and sport = 3",
                    "sport = 1 or (sport = 2 and sport = 3)",
                    "(sport = 1 or sport = 2) and sport = 3"},
             Warned{"sport 1 || sport 2 not sport 3", "sport 1 or (sport 2 and not sport 3)",
                    "(sport 1 or sport 2) and not sport 3"},
             Warned{"autobound and ( sport 1 or sport 2 sport 3 )",
                    "sport 1 or (sport 2 and sport 3)", "(sport 1 or sport 2) and sport 3"},
             Warned{"sport 1 sport 2 or sport 3 sport 4 or sport 5",
                    "(sport 1 and sport 2) or (sport 3 and sport 4) or sport 5",
                    "(((sport 1 and sport 2) or sport 3) and sport 4) or sport 5"},
         }) {
        const auto filter = test::parse(c.expression);
        ASSERT_TRUE(filter) << c.expression;
        ASSERT_EQ(filter->warnings().size(), 1U) << c.expression;
        EXPECT_NE(filter->warnings()[0].find(std::string("read as: ") + c.ours + "\n"),
                  std::string::npos)
            << filter->warnings()[0];
        EXPECT_NE(filter->warnings()[0].find(std::string("ss itself reads: ") + c.of_ss + ")"),
                  std::string::npos)
            << filter->warnings()[0];
    }
}

TEST(FilterReading, NoWarningWhereBothReadTheSame)
{
    for (const char* expression :
         {"sport 1", "sport 1 or sport 2 or sport 3", "sport 1 sport 2 and sport 3",
          "sport 1 and sport 2 or sport 3", "( sport 1 or sport 2 ) and sport 3",
          "sport 1 or ( sport 2 and sport 3 )", "not sport 1 or sport 2", "state listen sport 1"}) {
        const auto filter = test::parse(expression);
        ASSERT_TRUE(filter) << expression;
        EXPECT_TRUE(filter->warnings().empty()) << expression << ": " << filter->warnings()[0];
    }
}

TEST(FilterReading, AWarningIsShortAndHarmlessWhateverTheText)
{
    std::string expression = "comm = \x1b[2J or comm = a comm = b";
    auto filter = test::parse(expression);
    ASSERT_TRUE(filter);
    ASSERT_EQ(filter->warnings().size(), 1U);
    EXPECT_EQ(filter->warnings()[0].find('\x1b'), std::string::npos);

    expression = "sport 1 or sport 2";
    for (int i = 0; i < 1000; ++i) {
        expression += " sport 3";
    }
    filter = test::parse(expression);
    ASSERT_TRUE(filter);
    ASSERT_EQ(filter->warnings().size(), 1U);
    EXPECT_LT(filter->warnings()[0].size(), 200U);
}

} // namespace
} // namespace tcpledger
