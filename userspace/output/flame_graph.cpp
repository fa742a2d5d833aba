// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/flame_graph.hpp"

#include "output/escape.hpp"
#include "output/flame_bounds.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace tcpledger {
namespace {

std::string_view without_directories(std::string_view file)
{
    return file.substr(file.rfind('/') + 1); // npos + 1 is 0
}

std::string_view trimmed(std::string_view text)
{
    const std::size_t first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// Breaks up "… 12" at the end, which readers would take for a count.
void join_trailing_number(std::string& text)
{
    const std::size_t blank = text.rfind(' ');
    if (blank != std::string::npos &&
        text.find_first_not_of("0123456789.", blank + 1) == std::string::npos) {
        text[blank] = '_';
    }
}

std::string folded_name(const FlameFrame& frame)
{
    std::string text = visible(frame.name);
    if (!frame.file.empty()) {
        text += " (" + visible(without_directories(frame.file));
        text += frame.line > 0 ? ":" + std::to_string(frame.line) + ")" : ")";
    }
    std::ranges::replace(text, ';', ':');
    text = trimmed(text);
    join_trailing_number(text);
    return text.empty() ? std::string(kUnknownFrame) : text;
}

std::string folded_stack(const FlameStack& stack)
{
    std::string line;
    for (const FlameFrame& frame : stack.frames) {
        line += line.empty() ? "" : ";";
        line += folded_name(frame);
    }
    return line;
}

/// The distinct frames, numbered as they are first asked for.
class FrameNumbers {
public:
    std::size_t number_of(const FlameFrame& frame)
    {
        const auto [entry, is_new] = numbers_.try_emplace(&frame, frames_.size());
        if (is_new) {
            frames_.push_back(&frame);
        }
        return entry->second;
    }

    [[nodiscard]] std::span<const FlameFrame* const> frames() const { return frames_; }

private:
    struct ByContent {
        bool operator()(const FlameFrame* left, const FlameFrame* right) const
        {
            return *left < *right;
        }
    };

    std::map<const FlameFrame*, std::size_t, ByContent> numbers_;
    std::vector<const FlameFrame*> frames_;
};

void write_frames(JsonWriter& json, std::span<const FlameFrame* const> frames)
{
    json.begin_array();
    for (const FlameFrame* frame : frames) {
        json.begin_object().field("name", frame->name);
        if (!frame->file.empty()) {
            json.field("file", frame->file);
        }
        if (frame->line > 0) {
            json.field("line", frame->line);
        }
        json.end_object();
    }
    json.end_array();
}

void write_samples(JsonWriter& json, std::span<const FlameStack> stacks, FrameNumbers& numbers)
{
    json.begin_array();
    for (const FlameStack& stack : stacks) {
        json.begin_array();
        for (const FlameFrame& frame : stack.frames) {
            json.value(numbers.number_of(frame));
        }
        json.end_array();
    }
    json.end_array();
}

std::uint64_t write_weights(JsonWriter& json, std::span<const FlameStack> stacks)
{
    std::uint64_t sum = 0;
    json.begin_array();
    for (const FlameStack& stack : stacks) {
        json.value(stack.weight);
        sum += stack.weight;
    }
    json.end_array();
    return sum;
}

} // namespace

std::string render_folded(std::span<const FlameStack> stacks)
{
    std::vector<std::pair<std::string, std::uint64_t>> lines;
    std::map<std::string, std::size_t> line_of;
    for (const FlameStack& stack : bound_stacks(stacks)) {
        std::string line = folded_stack(stack);
        const auto [entry, is_new] = line_of.try_emplace(line, lines.size());
        if (is_new) {
            lines.emplace_back(std::move(line), stack.weight);
        } else {
            lines[entry->second].second += stack.weight;
        }
    }
    std::ranges::stable_sort(lines, std::ranges::greater(),
                             [](const auto& line) { return line.second; });
    std::string out;
    for (const auto& [line, weight] : lines) {
        out += line + ' ' + std::to_string(weight) + '\n';
    }
    return out;
}

void write_speedscope(JsonWriter& json, std::span<const FlameStack> stacks, std::string_view name)
{
    const std::vector<FlameStack> bound = bound_stacks(stacks);
    FrameNumbers numbers;
    json.begin_object()
        .field("$schema", "https://www.speedscope.app/file-format-schema.json")
        .field("exporter", "tcpledger")
        .field("name", name)
        .field("activeProfileIndex", 0);
    json.key("profiles").begin_array().begin_object();
    json.field("type", "sampled").field("name", name).field("unit", "none").field("startValue", 0);
    json.key("samples");
    write_samples(json, bound, numbers);
    json.key("weights");
    const std::uint64_t sum = write_weights(json, bound);
    json.field("endValue", sum).end_object().end_array();
    json.key("shared").begin_object().key("frames");
    write_frames(json, numbers.frames());
    json.end_object().end_object();
}

} // namespace tcpledger
