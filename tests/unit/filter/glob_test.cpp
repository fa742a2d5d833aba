// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "filter/glob.hpp"

#include <fnmatch.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace tcpledger::filter {
namespace {

struct Case {
    const char* pattern;
    const char* text;
    bool matches;
};

constexpr Case kCases[] = {
    {"", "", true},
    {"", "a", false},
    {"a", "", false},
    {"*", "", true},
    {"**", "", true},
    {"?", "", false},
    {"nginx", "nginx", true},
    {"nginx", "nginx2", false},
    {"nginx", "Nginx", false},
    {"nginx*", "nginx", true},
    {"nginx*", "nginx: worker", true},
    {"*nginx", "my-nginx", true},
    {"*gin*", "nginx", true},
    {"a*b*c", "aXXbYYc", true},
    {"a*b*c", "aXXbYYcZ", false},
    {"a*b*c", "abbbbc", true},
    {"a?c", "abc", true},
    {"a?c", "ac", false},
    {"[abc]", "b", true},
    {"[abc]", "d", false},
    {"[a-c]x", "bx", true},
    {"[!a-c]x", "bx", false},
    {"[!a-c]x", "dx", true},
    {"[^a-c]x", "dx", true},
    {"[]]", "]", true},
    {"[!]]", "]", false},
    {"[!]]", "x", true},
    {"[a-]", "-", true},
    {"[-a]", "-", true},
    {"[", "[", true},
    {"[abc", "[abc", true},
    {"x[", "x[", true},
    {"x[*", "x[y", true},
    {"[]", "[]", true},
    {"[!", "[!", true},
    {"\\*", "*", true},
    {"\\*", "x", false},
    {"\\[kernel\\]", "[kernel]", true},
    {"[kernel]", "[kernel]", true},
    {"[kernel]", "k", true},
    {"[kernel]", "kernel", false},
    {"a\\", "a\\", true},
    {"\\a", "a", true},
    {"kworker/*:?", "kworker/0:1", true},
    {"\xff*", "\xff\xfe", true},
    {"[\x80-\xff]", "\xc3", true},
    {"[\x80-\xff]", "a", false},
};

TEST(Glob, Table)
{
    for (const Case& c : kCases) {
        EXPECT_EQ(glob_matches(c.pattern, c.text), c.matches) << c.pattern << " on " << c.text;
    }
}

TEST(Glob, NulBytesAreBytes)
{
    using namespace std::string_view_literals;
    EXPECT_TRUE(glob_matches("a\0b"sv, "a\0b"sv));
    EXPECT_TRUE(glob_matches("a*c"sv, "a\0c"sv));
    EXPECT_FALSE(glob_matches("a"sv, "a\0"sv));
}

TEST(Glob, AgreesWithTheLibrarys)
{
    std::mt19937 random(7); // NOLINT(cert-msc32-c,cert-msc51-cpp): the same cases each time
    const auto make = [&](std::string_view alphabet) {
        std::string text;
        for (std::size_t length = random() % 7; length > 0; --length) {
            text += alphabet[random() % alphabet.size()];
        }
        return text;
    };
    int matched = 0;
    for (int i = 0; i < 200000; ++i) {
        const std::string pattern = make("ab*?");
        const std::string text = make("abc");
        const bool expected = ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
        matched += expected ? 1 : 0;
        ASSERT_EQ(glob_matches(pattern, text), expected) << pattern << " on " << text;
    }
    EXPECT_GT(matched, 1000);
}

TEST(Glob, ManyStarsTakeBoundedTime)
{
    std::string pattern;
    for (int i = 0; i < 2000; ++i) {
        pattern += "*a";
    }
    EXPECT_FALSE(glob_matches(pattern + "b", std::string(4000, 'a')));
    EXPECT_TRUE(glob_matches(pattern, std::string(4000, 'a')));
}

} // namespace
} // namespace tcpledger::filter
