// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a wrong expression is answered: the caret's place and what was expected.
#include "filter/source.hpp"
#include "population.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

struct Case {
    const char* expression;
    const char* caret; ///< blanks and ^, as it must stand under the expression
    const char* expected;
};

constexpr Case kErrors[] = {
    // no predicate where one must be
    {"foo", "^", "expected a predicate (src, dst, sport"},
    {"foo = bar", "^", "not \"foo\""},
    {"10.0.0.1", "^", "expected a predicate"},
    {"established", "^", "or \"state established\" before all others"},
    {"sport = :80 established", "            ^", "\"state established\""},
    {"()", " ^", "expected a predicate"},
    {"( )", "  ^", "not \")\""},
    {"!", " ^", "not the end"},
    {"not", "   ^", "expected a predicate"},
    {"and sport = :80", "^", "expected a predicate"},
    {"or", "^", "expected a predicate"},
    {"|| sport = :80", "^", "not \"||\""},
    {"sport = :80 and", "               ^", "not the end"},
    {"sport = :80 or or sport = :81", "               ^", "not \"or\""},
    {"sport = :80 and ) ", "                ^", "expected a predicate"},
    {"= :80", "^", "expected a predicate"},
    {"SPORT = :80", "^", "not \"SPORT\""},
    // parentheses
    {"( sport = :80", "             ^", "\")\", not the end"},
    {"( sport = :80 = 3 )", "              ^", "\")\", not \"=\""},
    {"sport = :80 )", "            ^", "expected a \"(\""},
    {")", "^", "expected a predicate"},
    {"(sport = :80))", "             ^", "expected a \"(\""},
    // operators
    {"sport = :80 = :81", "            ^", "and, or, another predicate or the end"},
    {"sport = = :80", "        ^", "a port or the name of a service, not \"=\""},
    {"sport =< :80", "       ^", "not \"<\""},
    {"dst > 10.0.0.1", "    ^", "= or != after dst"},
    {"src >= 10.0.0.1", "    ^", "= or != after src"},
    {"comm < a", "     ^", "= or != after comm"},
    {"pid gt 4", "    ^", "= or != after pid"},
    {"autobound = 1", "          ^", "and, or, another predicate or the end"},
    {"unaccepted unacceptable", "           ^", "not \"unacceptable\""},
    // ports
    {"sport", "     ^", "expected a port, not the end"},
    {"sport =", "       ^", "expected a port, not the end"},
    {"sport = ", "        ^", "expected a port, not the end"},
    {"sport = )", "        ^", "expected a port, not \")\""},
    {"sport = and dport = :80", "        ^", "not \"and\""},
    {"sport = nosuch", "        ^", "a port or the name of a service, not \"nosuch\""},
    {"sport = :nosuch", "        ^", "not \"nosuch\""},
    {"sport = :65536", "        ^", "a port from 0 to 65535"},
    {"sport = 99999999999999999999999", "        ^", "a port from 0 to 65535"},
    {"sport = :080", "        ^", "without leading zeros"},
    {"sport = -1", "        ^", "not \"-1\""},
    {"sport = 80,81", "        ^", "not \"80,81\""},
    {"sport = 10.0.0.1:80", "        ^", "a port alone (src and dst take ADDRESS:PORT)"},
    {"sport = [::1]:80", "        ^", "a port alone"},
    {"sport > *", "        ^", "a port to compare with"},
    {"sport > :", "        ^", "a port to compare with"},
    {"sport = unix:80", "        ^", "inet: or inet6:"},
    {"sport=:80 dport=:x", "                ^", "not \"x\""},
    // hosts
    {"dst", "   ^", "expected an address, not the end"},
    {"dst 10.0.0.256", "    ^", "an address, a prefix or the name of a host"},
    {"dst 10.0.0.0.1", "    ^", "the name of a host"},
    {"dst 10..1", "    ^", "the name of a host"},
    {"dst 010.0.0.1", "    ^", "the name of a host"},
    {"dst 10.0.0.0/33", "    ^", "a prefix length from 0 to 32"},
    {"dst 10.0.0.0/", "    ^", "a prefix length from 0 to 32"},
    {"dst 10.0.0.0/-1", "    ^", "a prefix length from 0 to 32"},
    {"dst 10.0.0.0/255.0.255.0", "    ^", "a prefix length from 0 to 32"},
    {"dst [2001:db8::]/129", "    ^", "a prefix length from 0 to 128"},
    {"dst [2001:db8::/x]", "    ^", "a prefix length from 0 to 128"},
    {"dst any/8", "    ^", "an address before the /, not \"any\""},
    {"dst [::1", "    ^", "[ADDRESS] or [ADDRESS]:PORT"},
    {"dst [::1]80", "    ^", "[ADDRESS] or [ADDRESS]:PORT"},
    {"dst [::1::2]", "    ^", "the name of a host"},
    {"dst [fe80::1%lo]", "    ^", "the name of a host"},
    {"dst *80", "    ^", "not \"*80\""},
    {"dst nohost", "    ^", "not \"nohost\""},
    {"dst inet6:db", "    ^", "not \"db\""},
    {"dst inet:[::1]", "    ^", "an address of the family before it"},
    {"dst inet6:10.0.0.1", "    ^", "an address of the family before it"},
    {"src /tmp/x", "    ^", "an address before the /"},
    {"src unix:/tmp/x", "    ^", "inet: or inet6:, the families of TCP and UDP, not \"unix:\""},
    {"src vsock:1", "    ^", "not \"vsock:\""},
    {"dst 10.0.0.1:nosuch", "    ^", "the name of a service, not \"nosuch\""},
    // the others
    {"dev wlan9", "    ^", "the name or the index of an interface, not \"wlan9\""},
    {"fwmark = x", "         ^", "a mark such as 0x10"},
    {"fwmark = 1/", "         ^", "a mark and a mask"},
    {"fwmark = 0x100000000", "         ^", "a mark such as"},
    {"cgroup /none", "       ^", "the path of a cgroup"},
    {"netns red", "      ^", "a network namespace, not \"red\""},
    {"netns 99999999999", "      ^", "a network namespace"},
    {"pid = nginx", "      ^", "a number, not \"nginx\""},
    {"pid = 1x", "      ^", "a number"},
    {"uid = -1", "      ^", "a number"},
    {"sk = xyz", "     ^", "in hexadecimal"},
    {"sk = ", "     ^", "a socket cookie, not the end"},
    {"sk = 0x", "     ^", "in hexadecimal"},
    {"comm = ", "       ^", "the name of a process, not the end"},
    {"comm = \"\"", "       ^", "the name of a process"},
    {"comm = \"abc", "       ^", "the quote's other end, another \""},
    {"comm = a'bc", "        ^", "the quote's other end, another '"},
    {"comm = (sd-pam)", "       ^", "the name of a process, not \"(\""},
    {"age > x", "      ^", "a time such as 500ms"},
    {"age > 5x", "      ^", "not \"5x\""},
    {"age > s", "      ^", "a time such as"},
    {"age > 5 s", "        ^", "not \"s\""},
    {"age > -5s", "      ^", "a time such as"},
    {"age > 1h30", "      ^", "a time such as"},
    {"age > 9999999999999d", "      ^", "a time such as"},
    {"age > 99999999999999999999s", "      ^", "a time such as"},
    // states
    {"state", "     ^", "a state (established, time-wait"},
    {"state foo", "      ^", "not \"foo\""},
    {"state established,time-wait", "      ^", "not \"established,time-wait\""},
    {"state = established", "      ^", "not \"=\""},
    {"exclude all", "        ^", "some state to be left"},
    {"state closed exclude close", "                     ^", "some state to be left"},
    {"state established or dport = :80", "                  ^", "states are not part of the"},
    {"state established and", "                     ^", "not the end"},
    {"dport = :443 state time-wait", "             ^", "state comes first, as in ss"},
    {"sport = :80 or exclude listening", "               ^", "exclude comes first"},
    {"( state established )", "  ^", "state comes first"},
    {"not state established", "    ^", "state comes first"},
};

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

/// Three lines, the second a caret alone; returns them.
std::vector<std::string> failing(const std::string& expression)
{
    const auto filter = test::parse(expression);
    if (filter) {
        ADD_FAILURE() << "read without an error: " << filter::printable(expression.substr(0, 80));
        return {"", "", ""};
    }
    EXPECT_EQ(filter.error().kind, ErrorKind::kUsage);
    auto lines = lines_of(filter.error().message());
    EXPECT_EQ(lines.size(), 3U) << filter.error().message();
    lines.resize(3);
    EXPECT_EQ(lines[1].find_first_not_of(' '), lines[1].size() - 1) << filter.error().message();
    EXPECT_EQ(lines[1].back(), '^') << filter.error().message();
    EXPECT_TRUE(lines[2].starts_with("expected ")) << lines[2];
    return lines;
}

TEST(FilterError, PointsAtTheWordAndSaysWhatWasExpected)
{
    for (const Case& c : kErrors) {
        const auto lines = failing(c.expression);
        EXPECT_EQ(lines[0], c.expression);
        EXPECT_EQ(lines[1], c.caret) << c.expression << "\n" << lines[2];
        EXPECT_NE(lines[2].find(c.expected), std::string::npos) << c.expression << "\n"
                                                                << lines[2] << "\n"
                                                                << c.expected;
    }
}

TEST(FilterError, WordsAreShownJoined)
{
    const auto filter =
        parse_filter(std::vector<std::string>{"sport", "=", ":80", "bogus"}, Names{});
    ASSERT_FALSE(filter);
    EXPECT_TRUE(filter.error().message().starts_with("sport = :80 bogus\n            ^\n"));
}

TEST(FilterError, NamesThatNobodyResolvesAreRefused)
{
    for (const char* expression : {"sport = http", "dev lo", "cgroup /", "netns blue", "dst db"}) {
        EXPECT_FALSE(parse_filter(std::vector<std::string>{expression}, Names{})) << expression;
    }
}

TEST(FilterError, ControlCharactersDoNotReachTheTerminal)
{
    const auto lines = failing("sport = \x1b]0;title\x07 \x9b"
                               "31m");
    EXPECT_EQ(lines[0], "sport = ?]0;title? ?31m");
    EXPECT_EQ(lines[1], "        ^");
    EXPECT_EQ(lines[2], "expected a port or the name of a service, not \"?]0;title?\"");

    const std::string nul("sport = 8\0 x", 12);
    EXPECT_EQ(failing(nul)[0], "sport = 8? x");
}

TEST(FilterError, BlanksInTheTextKeepTheCaretInPlace)
{
    const auto lines = failing("sport\t=\nfoo");
    EXPECT_EQ(lines[0], "sport?=?foo");
    EXPECT_EQ(lines[1], "        ^");
}

TEST(FilterError, TheCaretCountsCharactersNotBytes)
{
    EXPECT_EQ(failing("comm = größe bogus")[1], "             ^");
    EXPECT_EQ(failing("comm = größe bogus")[0], "comm = größe bogus");
    EXPECT_EQ(failing("comm = \xff\xfe bogus")[0], "comm = ?? bogus");
    EXPECT_EQ(failing("comm = \xff\xfe bogus")[1], "          ^");
    // overlong, a surrogate, a lone continuation, a truncated sequence, a right-to-left override
    EXPECT_EQ(failing("\xc0\xaf")[0], "??");
    EXPECT_EQ(failing("\xed\xa0\x80")[0], "???");
    EXPECT_EQ(failing("\x80")[0], "?");
    EXPECT_EQ(failing("\xe2\x82")[0], "??");
    EXPECT_EQ(failing(std::string("\xe2\x80") + "\xae")[0], "???");
}

TEST(FilterError, ALongExpressionIsShownInPart)
{
    std::string expression;
    for (int i = 0; i < 500; ++i) {
        expression += "sport = :" + std::to_string(10000 + i) + " or ";
    }
    const auto lines = failing(expression + "bogus and " + expression);
    EXPECT_LT(lines[0].size(), 140U);
    EXPECT_TRUE(lines[0].starts_with("..."));
    EXPECT_TRUE(lines[0].ends_with("..."));
    EXPECT_EQ(lines[0].substr(lines[1].size() - 1, 5), "bogus");
}

TEST(FilterError, ALongWordIsCutInTheMessage)
{
    const auto lines = failing("sport = " + std::string(100000, 'x'));
    EXPECT_LT(lines[0].size(), 140U);
    EXPECT_LT(lines[2].size(), 140U);
}

TEST(FilterBounds, AHundredThousandParentheses)
{
    const std::string many(100000, '(');
    const auto lines = failing(many + "sport = :80" + std::string(100000, ')'));
    EXPECT_NE(lines[2].find("at most 200 parentheses"), std::string::npos);
    failing(many);
    failing(std::string(100000, ')'));
}

TEST(FilterBounds, TwoHundredParenthesesAreRead)
{
    const test::Population population;
    const auto filter = test::parse(std::string(200, '(') + "sport=:80" + std::string(200, ')'));
    ASSERT_TRUE(filter);
    EXPECT_EQ(population.matching(*filter), "acjno");
    failing(std::string(201, '(') + "sport=:80" + std::string(201, ')'));
}

TEST(FilterBounds, AHundredThousandNots)
{
    const test::Population population;
    std::string nots;
    for (int i = 0; i < 100000; ++i) {
        nots += "not ";
    }
    EXPECT_EQ(population.matching(*test::parse(nots + "sport = :80")), "acjno");
    EXPECT_EQ(population.matching(*test::parse("!" + nots + "sport = :80")), "bdefghiklmp");
    EXPECT_EQ(population.matching(*test::parse(std::string(99999, '!') + "sport = :80")),
              "bdefghiklmp");
}

TEST(FilterBounds, ManyAlternativesAreRead)
{
    const test::Population population;
    std::string expression = "sport = :8080";
    for (int i = 0; i < 30000; ++i) {
        expression += " or dport = :" + std::to_string(i);
    }
    const auto filter = test::parse(expression);
    ASSERT_TRUE(filter);
    EXPECT_EQ(population.matching(*filter), "abefghijlmp");
}

TEST(FilterBounds, ATextBeyondTheLimitIsRefused)
{
    const auto lines = failing(std::string(kMaximumFilterBytes + 1, ' '));
    EXPECT_NE(lines[2].find("1048576 bytes"), std::string::npos);
    EXPECT_TRUE(test::parse(std::string(kMaximumFilterBytes, ' ')));
}

} // namespace
} // namespace tcpledger
