// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/flame_label.hpp"

#include "flame_samples.hpp"
#include "output/escape.hpp"
#include "output/utf8.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

TEST(FitName, KeepsWhatTellsMost)
{
    struct Case {
        std::string_view name;
        std::size_t columns;
        std::string_view written;
    };
    for (const auto& [name, columns, written] : {
             Case{"shop::dial(int, a::b)", 21, "shop::dial(int, a::b)"},
             Case{"shop::dial(int, a::b)", 20, "shop::dial"},
             Case{"shop::dial(int, a::b)", 9, "dial"},
             Case{"shop::dial(int, a::b)", 3, "di…"},
             Case{"long_name_of_c", 8, "long_na…"},
             Case{"a::f<b::c>(d::e) const", 10, "a::f<b::c>"},
             Case{"a::f<b::c>(d::e) const", 9, "f<b::c>"},
             Case{"(anonymous namespace)::f(int)", 5, "f"},
             Case{"a::b::operator()(int)", 18, "a::b::operator()"},
             Case{"a::b::operator()(int)", 12, "operator()"},
             Case{"f<void (int)>", 8, "f<void …"},
             Case{"f<void (int)>::g", 4, "g"},
             Case{"(lonely", 4, "(lo…"},
             Case{"lonely)", 4, "lon…"},
             Case{"(all)", 3, "(a…"},
             Case{"a::", 2, "a…"},
             Case{"::", 1, "…"},
             Case{"データ::開く", 4, "開く"},
         }) {
        EXPECT_EQ(fit_name(name, columns), written) << name << " in " << columns;
    }
}

TEST(FitLabel, CountThenLocationHaveWhatTheNameLeaves)
{
    struct Case {
        std::size_t columns;
        std::string_view name;
        std::string_view location;
        bool shows_count;
    };
    constexpr std::string_view kName = "open_the_session_of_a_user"; // 26 columns
    for (const auto& [columns, name, location, shows_count] : {
             Case{2, "", "", false},
             Case{3, "op…", "", false},
             Case{14, "open_the_sess…", "", false},
             Case{15, "open_th…", "", true},
             Case{37, "open_the_session_of_a_user", "", true},
             Case{38, "open_the_session_of…", "user.c:12", true},
             Case{44, "open_the_session_of_a_user", "user.c:12", true},
         }) {
        const FlameLabel label = fit_label(kName, "user.c:12", "3,104", columns);
        EXPECT_EQ(label.name, name) << columns;
        EXPECT_EQ(label.location, location) << columns;
        EXPECT_EQ(label.shows_count, shows_count) << columns;
    }
    EXPECT_EQ(fit_label("ab", "", "", 2).name, "ab");
    EXPECT_FALSE(fit_label("ab", "", "", 50).shows_count);
}

TEST(FitLabel, NeverTakesMoreThanItsRoom)
{
    for (const std::string& raw : hostile_names()) {
        const std::string name = visible(raw);
        for (std::size_t columns = 0; columns < 80; ++columns) {
            const FlameLabel label = fit_label(name, "main.c:40", "3,104", columns);
            std::size_t taken = display_width(label.name);
            taken += label.location.empty() ? 0 : 2 + display_width(label.location);
            taken += label.shows_count ? 2 + 5 : 0;
            EXPECT_LE(taken, columns) << name;
        }
    }
}

} // namespace
} // namespace tcpledger
