// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What stands in the picture. That it is XML, and where its boxes are: flame_files_test.py.
#include "output/flame_graph.hpp"

#include "flame_samples.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

std::size_t count_of(std::string_view text, std::string_view part)
{
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos;
         at = text.find(part, at + 1)) {
        ++count;
    }
    return count;
}

bool has(std::string_view text, std::string_view part)
{
    return text.find(part) != std::string_view::npos;
}

TEST(FlameSvg, SaysWhatItShows)
{
    const std::string svg = render_flame_svg(
        typical_sample(), {.title = "Leaks of <shop>", .subtitle = "3,856 sockets & 60s"});
    EXPECT_TRUE(has(svg, "width=\"1200\""));
    EXPECT_TRUE(has(svg, ">Leaks of &lt;shop&gt;</text>"));
    EXPECT_TRUE(has(svg, ">3,856 sockets &amp; 60s</text>"));
    EXPECT_TRUE(
        has(svg, "<title>all open suspect sockets\n3,856 open suspect sockets (100.0%)</title>"));
    EXPECT_TRUE(
        has(svg, "<title>main\n/src/shop/main.cpp:88\n3,794 open suspect sockets (98.4%)</title>"));
    EXPECT_TRUE(has(svg, ">main.cpp:88</tspan>"));
    EXPECT_TRUE(has(svg, "narrower than 2 px, 3 frames not drawn"));
}

TEST(FlameSvg, OneSocketIsNoPlural)
{
    const std::string svg = render_flame_svg(single_sample(), {});
    EXPECT_TRUE(has(svg, "<title>nginx[812]\n1 open suspect socket (100.0%)</title>"));
    EXPECT_FALSE(has(svg, "narrower"));
}

TEST(FlameSvg, NothingHasAPictureToo)
{
    const std::string svg = render_flame_svg({}, {.title = "none"});
    EXPECT_EQ(count_of(svg, "<g class=\"f"), 1U);
    EXPECT_TRUE(has(svg, "0 open suspect sockets (-)"));
}

TEST(FlameSvg, NarrowFramesAreDrawnTogetherAndSaidSo)
{
    std::vector<FlameStack> stacks = {stack_of_names({"p[1]", "wide"}, 1'000'000)};
    for (int at = 0; at < 100; ++at) {
        stacks.push_back(stack_of_names({"p[1]", "f" + std::to_string(at)}, 100));
    }
    const std::string svg = render_flame_svg(stacks, {});
    EXPECT_TRUE(has(
        svg, "<title>100 frames too narrow to draw\n10,000 open suspect sockets (1.0%)</title>"));
    EXPECT_TRUE(has(svg, "narrower than 2 px, 100 frames drawn together"));
}

TEST(FlameSvg, NoNameIsMarkup)
{
    for (const std::string& name : hostile_names()) {
        const std::string svg = render_flame_svg(
            std::vector{stack_of({{.name = name}, {.name = name, .file = name, .line = 1}}, 1)},
            {.title = name, .subtitle = name});
        EXPECT_EQ(count_of(svg, "<script"), 1U) << name;
        EXPECT_EQ(count_of(svg, "]]>"), 1U) << name;
        EXPECT_EQ(count_of(svg, "<g class=\"f"), 3U) << name;
        EXPECT_FALSE(has(svg, "onload=\"alert")) << name;
    }
}

/// The worst that bound_stacks() lets through, all of it drawn.
TEST(FlameSvg, StaysWithinItsBounds)
{
    std::vector<FlameStack> stacks;
    for (int at = 0; at < 100; ++at) {
        stacks.push_back({.frames = {}, .weight = 1});
        stacks.back().frames.resize(128, {.name = std::string(1'500, '\x01') + std::to_string(at)});
    }
    EXPECT_LT(render_flame_svg(stacks, {}).size(), std::size_t{50} << 20U);
}

} // namespace
} // namespace tcpledger
