// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Stacks to draw: small and large, plain and hostile. The tests of the output and the program that
// writes them to files (flame_samples.cpp) take the same.
#pragma once

#include "output/flame_graph.hpp"

#include <string>
#include <utility>
#include <vector>

namespace tcpledger {

inline FlameStack stack_of(std::vector<FlameFrame> frames, std::uint64_t weight)
{
    return {.frames = std::move(frames), .weight = weight};
}

inline FlameStack stack_of_names(const std::vector<std::string>& names, std::uint64_t weight)
{
    FlameStack stack{.frames = {}, .weight = weight};
    for (const std::string& name : names) {
        stack.frames.push_back({.name = name});
    }
    return stack;
}

/// One process that says no more than its name.
inline std::vector<FlameStack> single_sample()
{
    return {stack_of_names({"nginx[812]"}, 1)};
}

/// What a leak looks like: few stacks, one of them heavy.
inline std::vector<FlameStack> typical_sample()
{
    const FlameFrame start{.name = "_start"};
    const FlameFrame libc{.name = "__libc_start_main"};
    const FlameFrame connect{.name = "connect"};
    const FlameFrame main{.name = "main", .file = "/src/shop/main.cpp", .line = 88};
    const FlameFrame worker{
        .name = "shop::Worker::run(std::stop_token)", .file = "/src/shop/worker.cpp", .line = 41};
    const FlameFrame refresh{.name = "shop::PriceCache::refresh(std::string_view)",
                             .file = "/src/shop/price_cache.cpp",
                             .line = 214};
    const FlameFrame retry{.name = "shop::PriceCache::refresh(std::string_view)",
                           .file = "/src/shop/price_cache.cpp",
                           .line = 231};
    const FlameFrame dial{.name =
                              "shop::net::dial(shop::net::Endpoint const&, std::chrono::seconds)",
                          .file = "/src/shop/net/dial.cpp",
                          .line = 57};
    const FlameFrame accept{.name = "accept4"};
    const FlameFrame process{.name = "shop-api[20417]"};
    const FlameFrame batch{.name = "python3[977]"};
    const FlameFrame eval{.name = "_PyEval_EvalFrameDefault"};
    return {
        stack_of({process, start, libc, main, worker, refresh, dial, connect}, 3'104),
        stack_of({process, start, libc, main, worker, retry, dial, connect}, 402),
        stack_of({process,
                  start,
                  libc,
                  main,
                  worker,
                  {.name = "shop::Audit::flush()", .file = "/src/shop/audit.cpp", .line = 19},
                  dial,
                  connect},
                 77),
        stack_of(
            {process,
             start,
             libc,
             main,
             {.name = "shop::Listener::serve()", .file = "/src/shop/listener.cpp", .line = 130},
             accept},
            211),
        stack_of({process, {.name = "[unknown]"}, {.name = "libcurl.so.4.8.0+0x2f41c"}, connect},
                 36),
        stack_of({batch,
                  start,
                  libc,
                  {.name = "Py_BytesMain"},
                  eval,
                  {.name = "sock_connect", .file = "Modules/socketmodule.c", .line = 3371},
                  connect},
                 25),
        stack_of({batch,
                  start,
                  libc,
                  {.name = "Py_BytesMain"},
                  eval,
                  eval,
                  {.name = "sock_connect", .file = "Modules/socketmodule.c", .line = 3371},
                  connect},
                 1),
    };
}

/// As many distinct stacks of this depth as wanted, of unequal weights, which part near the root.
inline std::vector<FlameStack> large_sample(unsigned stacks, unsigned depth)
{
    std::vector<FlameStack> all;
    for (unsigned number = 0; number < stacks; ++number) {
        FlameStack stack{.frames = {{.name = "java[" + std::to_string(4000 + number % 3) + "]"}},
                         .weight = 1 + (stacks - number) * (stacks - number) / 64};
        for (unsigned level = 1; level < depth; ++level) {
            const unsigned branch = level < 6 ? number % (level * level + 1) : number * level;
            stack.frames.push_back(
                {.name = "com.example.layer" + std::to_string(level) + ".Handler" +
                         std::to_string(branch) + ".invoke",
                 .file = level % 3 == 0 ? "" : "/srv/app/Layer" + std::to_string(level) + ".java",
                 .line = level % 3 == 0 ? 0 : 10 + branch});
        }
        all.push_back(std::move(stack));
    }
    return all;
}

/// Names made to break a reader, a page or a line.
inline std::vector<std::string> hostile_names()
{
    using namespace std::string_literals;
    return {
        "<script>alert(1)</script>"s,
        "</title></g><script>alert(2)</script>"s,
        "]]></script><script>alert(3)</script>"s,
        "\"' onload=\"alert(4)"s,
        "&lt;&amp;&#x3c;&bogus;"s,
        "a;b;c 12"s,
        "two\nlines 7\r\nand more"s,
        "nul\0inside"s,
        "\x1b[2J\x07\x7f"s,
        "\xff\xfe\xc0\xaf\xed\xa0\x80\xf5"s,
        "cut \xe2\x82"s,
        "\xef\xbf\xbe\xef\xbf\xbf"s, // U+FFFE, U+FFFF: no characters of XML
        "\xe2\x80\xa8\xe2\x80\xae\xc2\x85"s,
        "データベース接続プール::開く"s,
        "operator new(unsigned long) 12"s,
        "ends in 3.25"s,
        " "s,
        ""s,
        "back\\slash"s,
        "$(rm -rf) `x` %n {} {0}"s,
        std::string(5'000, 'A'),
    };
}

inline std::vector<FlameStack> hostile_sample()
{
    std::vector<FlameStack> all;
    const std::vector<std::string> names = hostile_names();
    for (std::size_t at = 0; at < names.size(); ++at) {
        FlameStack stack{.frames = {{.name = "evil[1]"}}, .weight = 10};
        stack.frames.push_back({.name = names[at], .file = "/x/" + names[at], .line = 7});
        stack.frames.push_back({.name = names[(at + 1) % names.size()]});
        all.push_back(stack);
    }
    all.push_back(stack_of_names({"deep[2]"}, 10));
    all.back().frames.resize(5'000, {.name = "recurse", .file = "r.c", .line = 1});
    all.push_back(stack_of({}, 10));
    return all;
}

} // namespace tcpledger
