// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Opening stacks, weighed, in the three forms that flame graphs are made of and drawn in. It
// does not know how a stack is taken or a name is found. All three begin with bound_stacks()
// (output/flame_bounds.hpp): whatever comes in, what goes out is bounded and in the same order.
#pragma once

#include "output/json.hpp"

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tcpledger {

/// One function on a stack; any bytes.
struct FlameFrame {
    std::string name;
    std::string file = {};  ///< empty: unknown
    std::uint32_t line = 0; ///< 0: unknown

    auto operator<=>(const FlameFrame&) const = default;
};

struct FlameStack {
    std::vector<FlameFrame> frames; ///< outermost first; the first is the process, "nginx[812]"
    std::uint64_t weight = 0;       ///< open suspect sockets
};

/// The folded format of Brendan Gregg's tools: "nginx[812];main (main.c:40);connect 12", a line a
/// distinct stack, the heaviest first. Where file and line are known they follow the name, the file
/// without its directories, for two lines of one function are two answers.
///
/// The format has no escapes and its readers differ, so in a name what any of them would take for
/// syntax is replaced: control and hidden characters and invalid bytes as visible() spells
/// them, ';' is written ':', blanks at the ends are dropped, and the blank before a number
/// at the end is '_' ("foo 12" would be a count: flamegraph.pl and inferno take two for a
/// comparison). A name of which nothing is left is "[unknown]". Lines that became equal are one.
[[nodiscard]] std::string render_folded(std::span<const FlameStack> stacks);

/// One document in speedscope's file format with one sampled profile: a sample a distinct stack,
/// its weight the sockets. `name` is shown as the profile's name; any bytes.
void write_speedscope(JsonWriter& json, std::span<const FlameStack> stacks, std::string_view name);

struct FlameTitle {
    std::string title; ///< any bytes, both; cut where they do not fit
    std::string subtitle = {};
};

/// The flame graph as one SVG image 1,200 pixels wide: the total at the bottom, processes on it,
/// what they called above, the heavier the further left; beside each name its line, and the sockets
/// where they become fewer. It is whole without scripts, fonts or files of its own; <title>
/// elements have what was cut. Where scripts run, a click zooms and names can be searched.
/// Frames narrower than two pixels are drawn together in grey, or left out; the last line says so.
[[nodiscard]] std::string render_flame_svg(std::span<const FlameStack> stacks,
                                           const FlameTitle& title);

} // namespace tcpledger
