// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The two forms for other tools. What those tools make of whole files: flame_files_test.py.
#include "output/flame_graph.hpp"

#include "flame_samples.hpp"

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <random>
#include <sstream>

namespace tcpledger {
namespace {

TEST(RenderFolded, ALineADistinctStack)
{
    const FlameFrame process{.name = "nginx[812]"};
    const FlameFrame main{.name = "main", .file = "/src/core/nginx.c", .line = 40};
    const FlameFrame elsewhere{.name = "main", .file = "/src/core/nginx.c", .line = 41};
    EXPECT_EQ(render_folded(std::vector{stack_of({process, main, {.name = "connect"}}, 5),
                                        stack_of({process, elsewhere, {.name = "connect"}}, 9),
                                        stack_of({process, main, {.name = "connect"}}, 7)}),
              "nginx[812];main (nginx.c:40);connect 12\n"
              "nginx[812];main (nginx.c:41);connect 9\n");
    EXPECT_EQ(render_folded({}), "");
}

TEST(RenderFolded, NamesThatAReaderWouldTakeForSyntax)
{
    using namespace std::string_literals;
    struct Case {
        std::string raw;
        std::string written;
    };
    for (const auto& [raw, written] : {
             Case{"main", "main"},
             Case{"operator new(unsigned long)", "operator new(unsigned long)"},
             Case{"Lcom/example/Foo;::bar", "Lcom/example/Foo:::bar"},
             Case{"foo 12", "foo_12"},
             Case{"foo 1 2.5", "foo 1_2.5"},
             Case{"foo 12 ", "foo_12"},
             Case{"12", "12"},
             Case{"  foo  ", "foo"},
             Case{"two\nlines\r", "two\\nlines\\r"},
             Case{"nul\0"s, "nul\\x00"},
             Case{"\xff", "\\xff"},
             Case{"\xe2\x80\xa8", "\\u{2028}"},
             Case{"", "[unknown]"},
             Case{" ", "[unknown]"},
             Case{"データ", "データ"},
         }) {
        EXPECT_EQ(render_folded(std::vector{stack_of_names({raw}, 3)}), written + " 3\n");
        EXPECT_EQ(render_folded(std::vector{stack_of_names({"p[1]", raw, "end"}, 3)}),
                  "p[1];" + written + ";end 3\n");
    }
}

TEST(RenderFolded, PlacesAreWrittenAsFarAsTheyAreKnown)
{
    const auto folded = [](std::string file, std::uint32_t line) {
        return render_folded(
            std::vector{stack_of({{.name = "f", .file = std::move(file), .line = line}}, 1)});
    };
    EXPECT_EQ(folded("/a/b/c.c", 7), "f (c.c:7) 1\n");
    EXPECT_EQ(folded("c.c", 0), "f (c.c) 1\n");
    EXPECT_EQ(folded("", 7), "f 1\n");
    EXPECT_EQ(folded("/a/x;y\n.c", 7), "f (x:y\\n.c:7) 1\n");
}

TEST(RenderFolded, LinesThatBecameEqualAreOne)
{
    EXPECT_EQ(render_folded(std::vector{stack_of_names({"a;b"}, 1), stack_of_names({"x"}, 2),
                                        stack_of_names({"a:b"}, 4)}),
              "a:b 5\nx 2\n");
}

std::string speedscope_of(std::span<const FlameStack> stacks)
{
    JsonWriter json;
    write_speedscope(json, stacks, "leaks");
    EXPECT_TRUE(json.complete());
    return std::string(json.take_line());
}

TEST(WriteSpeedscope, ASampleADistinctStackOfSharedFrames)
{
    const FlameFrame process{.name = "nginx[812]"};
    const FlameFrame main{.name = "main", .file = "/src/nginx.c", .line = 40};
    EXPECT_EQ(
        speedscope_of(std::vector{stack_of({process, main, {.name = "connect"}}, 2),
                                  stack_of({process, main}, 5), stack_of({process, main}, 1)}),
        R"({"$schema":"https://www.speedscope.app/file-format-schema.json","exporter":"tcpledger",)"
        R"("name":"leaks","activeProfileIndex":0,"profiles":[{"type":"sampled","name":"leaks",)"
        R"("unit":"none","startValue":0,"samples":[[0,1],[0,1,2]],"weights":[6,2],"endValue":8}],)"
        R"("shared":{"frames":[{"name":"nginx[812]"},{"name":"main","file":"/src/nginx.c","line":40},)"
        R"({"name":"connect"}]}})");
}

TEST(WriteSpeedscope, NothingIsAnEmptyProfile)
{
    rapidjson::Document document;
    document.Parse(speedscope_of({}).c_str());
    ASSERT_FALSE(document.HasParseError());
    const auto& profile = document["profiles"][0];
    EXPECT_TRUE(profile["samples"].Empty() && profile["weights"].Empty());
    EXPECT_EQ(profile["endValue"].GetUint64(), 0U);
}

/// The order in which the stacks come changes nothing.
TEST(FlameForms, AreTheSameForTheSameStacks)
{
    std::vector<FlameStack> stacks = large_sample(120, 12);
    for (const FlameStack& stack : hostile_sample()) {
        stacks.push_back(stack);
    }
    const std::string folded = render_folded(stacks);
    const std::string speedscope = speedscope_of(stacks);
    const std::string picture = render_flame_svg(stacks, {});
    std::mt19937 random(6);
    for (int round = 0; round < 5; ++round) {
        std::ranges::shuffle(stacks, random);
        EXPECT_EQ(render_folded(stacks), folded);
        EXPECT_EQ(speedscope_of(stacks), speedscope);
        EXPECT_EQ(render_flame_svg(stacks, {}), picture);
    }
}

} // namespace
} // namespace tcpledger
