// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stacks/perf_map.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <limits>
#include <optional>

namespace tcpledger {
namespace {

/// Takes a hexadecimal number and the blank behind it off the front.
std::optional<std::uint64_t> take_hex(std::string_view& line)
{
    if (line.starts_with("0x") || line.starts_with("0X")) {
        line.remove_prefix(2);
    }
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number, 16);
    if (error != std::errc() || end == line.data() + line.size() || *end != ' ') {
        return std::nullopt;
    }
    line.remove_prefix(static_cast<std::size_t>(end - line.data()) + 1);
    return number;
}

/// Takes ":number" off the end.
std::optional<std::uint32_t> take_number(std::string_view& text)
{
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon + 1 == text.size()) {
        return std::nullopt;
    }
    std::uint32_t number = 0;
    const char* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data() + colon + 1, last, number);
    if (error != std::errc() || end != last) {
        return std::nullopt;
    }
    text = text.substr(0, colon);
    return number;
}

} // namespace

PerfMap PerfMap::parse(std::string_view text)
{
    PerfMap map;
    while (!text.empty() && map.entries_.size() < kMostEntries) {
        const std::size_t length = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, length);
        text.remove_prefix(std::min(length + 1, text.size()));
        const auto start = take_hex(line);
        const auto size = start ? take_hex(line) : std::nullopt;
        if (size && *size > 0 && *size <= std::numeric_limits<std::uint64_t>::max() - *start) {
            map.add(*start, *size, line.substr(0, kMostNameBytes));
        }
    }
    return map;
}

void PerfMap::add(std::uint64_t start, std::uint64_t size, std::string_view name)
{
    const std::uint64_t end = start + size;
    auto at = entries_.lower_bound(start);
    if (at != entries_.begin() && std::prev(at)->second.end > start) {
        --at;
    }
    while (at != entries_.end() && at->first < end) {
        at = entries_.erase(at);
    }
    entries_.emplace_hint(at, start, Entry{end, std::string(name)});
}

const PerfMap::Entry* PerfMap::find(std::uint64_t address) const
{
    const auto behind = entries_.upper_bound(address);
    if (behind == entries_.begin()) {
        return nullptr;
    }
    const Entry& entry = std::prev(behind)->second;
    return address < entry.end ? &entry : nullptr;
}

bool PerfMap::contains(std::uint64_t address) const
{
    return find(address) != nullptr;
}

bool PerfMap::name(std::uint64_t address, StackFrame& frame) const
{
    const Entry* entry = find(address);
    if (entry == nullptr) {
        return false;
    }
    split_jit_name(entry->name, frame);
    frame.module = "[jit]";
    frame.offset = address;
    return true;
}

void split_jit_name(std::string_view name, StackFrame& frame)
{
    constexpr std::array<std::string_view, 5> kJavaScript = {
        "JS:", "LazyCompile:", "Function:", "Script:", "Eval:"};
    frame.function = name;
    const auto kind = std::ranges::find_if(
        kJavaScript, [&](std::string_view prefix) { return name.starts_with(prefix); });
    if (kind == kJavaScript.end()) {
        return;
    }
    name.remove_prefix(kind->size());
    if (!name.empty() && std::string_view("~*^+").find(name.front()) != std::string_view::npos) {
        name.remove_prefix(1); // how far it was optimised
    }
    const std::size_t blank = name.find(' ');
    if (blank == std::string_view::npos) {
        frame.function = name;
        return;
    }
    std::string_view place = name.substr(blank + 1);
    const auto column = take_number(place);
    const auto line = column ? take_number(place) : std::nullopt;
    if (!line) {
        return;
    }
    constexpr std::string_view kUrl = "file://";
    frame.function = blank == 0 ? std::string_view("(anonymous)") : name.substr(0, blank);
    frame.file = place.starts_with(kUrl) ? place.substr(kUrl.size()) : place;
    frame.line = *line;
}

} // namespace tcpledger
