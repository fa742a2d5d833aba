// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/stack_view.hpp"

#include "output/escape.hpp"
#include "output/format.hpp"
#include "output/wrap.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace tcpledger {
namespace {

constexpr std::size_t kShownStacks = 5;
constexpr std::size_t kShownFrames = 30;
constexpr std::size_t kWrittenStacks = 100;

std::string base_name(const std::string& path)
{
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? path : path.substr(slash + 1);
}

std::string place_of(const StackFrame& frame)
{
    if (frame.line != 0) {
        return fmt::format("{}:{}", frame.file, frame.line);
    }
    return frame.module.empty() ? ""
                                : fmt::format("{}+{:#x}", base_name(frame.module), frame.offset);
}

std::string name_of(const StackFrame& frame)
{
    if (!frame.function.empty()) {
        return frame.function;
    }
    return frame.module.empty() ? fmt::format("{:#x}", frame.offset) : "?";
}

std::string render_frames(const Stack& stack)
{
    const std::size_t shown = std::min(stack.frames.size(), kShownFrames);
    std::size_t widest = 0;
    for (std::size_t at = 0; at < shown; ++at) {
        constexpr std::size_t kWidest = 40;
        widest = std::max(widest, std::min(visible(name_of(stack.frames[at])).size(), kWidest));
    }
    std::string text;
    for (std::size_t at = 0; at < shown; ++at) {
        const StackFrame& frame = stack.frames[at];
        text += fmt::format("               {:<{}}  {}{}\n", visible(name_of(frame)), widest,
                            visible(place_of(frame)), frame.inlined ? " (inlined)" : "");
    }
    if (stack.frames.size() > shown) {
        text += fmt::format("               … {} more\n", stack.frames.size() - shown);
    }
    return text;
}

/// "60 of 82 by (dwarf)"
std::string count_text(const CountedStack& counted, std::uint64_t all)
{
    if (counted.stack.frames.empty()) {
        return fmt::format("{} of {} from a place that has no name yet",
                           format_count(counted.count), format_count(all));
    }
    return fmt::format("{} of {} by ({})", format_count(counted.count), format_count(all),
                       stack_how_name(counted.stack.how));
}

} // namespace

std::string render_stacks(std::span<const CountedStack> stacks, std::uint64_t without,
                          const std::string& head, std::size_t width)
{
    std::uint64_t all = without;
    for (const CountedStack& counted : stacks) {
        all += counted.count;
    }
    const std::string indent(head.size(), ' ');
    std::string text;
    std::set<std::string> hints;
    for (std::size_t at = 0; at < std::min(stacks.size(), kShownStacks); ++at) {
        text += wrap(count_text(stacks[at], all), text.empty() ? head : indent, width);
        text += render_frames(stacks[at].stack);
        hints.insert(stacks[at].stack.hints.begin(), stacks[at].stack.hints.end());
    }
    if (stacks.size() > kShownStacks) {
        text += wrap(fmt::format("{} more stacks", stacks.size() - kShownStacks), indent, width);
    }
    if (without > 0) {
        text += wrap(fmt::format("{} of {}: not known, opened before this view or not sampled",
                                 format_count(without), format_count(all)),
                     text.empty() ? head : indent, width);
    }
    for (const std::string& hint : hints) {
        text += wrap(hint, indent, width);
    }
    return text;
}

void write_stacks(JsonWriter& json, std::span<const CountedStack> stacks, std::uint64_t without)
{
    json.key("stacks").begin_array();
    for (std::size_t at = 0; at < std::min(stacks.size(), kWrittenStacks); ++at) {
        const Stack& stack = stacks[at].stack;
        json.begin_object().field("count", stacks[at].count);
        json.field("how", stack_how_name(stack.how)).key("frames").begin_array();
        for (const StackFrame& frame : stack.frames) {
            const auto known = [&](std::string_view name, const std::string& text) {
                text.empty() ? json.null_field(name) : json.field(name, text);
            };
            json.begin_object();
            known("function", frame.function);
            known("file", frame.file);
            frame.line != 0 ? json.field("line", frame.line) : json.null_field("line");
            known("module", frame.module);
            json.field("offset", frame.offset).field("inlined", frame.inlined).end_object();
        }
        json.end_array().key("hints").begin_array();
        std::ranges::for_each(stack.hints, [&](const std::string& hint) { json.value(hint); });
        json.end_array().end_object();
    }
    json.end_array().field("without_stack", without);
}

} // namespace tcpledger
