// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "json_line.hpp"

#include <cstring>

namespace workload {
namespace {

/// Quoted; what would break a JSON string becomes '?'.
std::string quoted(std::string_view text)
{
    std::string out = "\"";
    for (const char c : text) {
        const bool plain = c >= ' ' && c < 0x7f && c != '"' && c != '\\';
        out += plain ? c : '?';
    }
    return out + '"';
}

} // namespace

JsonLine::JsonLine(std::string_view step)
{
    body_ = "{\"step\":" + quoted(step);
}

void JsonLine::key(std::string_view name)
{
    body_ += ',' + quoted(name) + ':';
}

JsonLine& JsonLine::number(std::string_view name, std::int64_t value)
{
    key(name);
    body_ += std::to_string(value);
    return *this;
}

JsonLine& JsonLine::numbers(std::string_view name, const std::vector<std::int64_t>& values)
{
    key(name);
    const char* separator = "";
    body_ += '[';
    for (const std::int64_t value : values) {
        body_ += separator + std::to_string(value);
        separator = ",";
    }
    body_ += ']';
    return *this;
}

JsonLine& JsonLine::text(std::string_view name, std::string_view value)
{
    key(name);
    body_ += quoted(value);
    return *this;
}

JsonLine& JsonLine::flag(std::string_view name, bool value)
{
    key(name);
    body_ += value ? "true" : "false";
    return *this;
}

std::string JsonLine::finished() const
{
    return body_ + "}\n";
}

JsonLine failure(std::string_view step, int error_number)
{
    const char* name = ::strerrorname_np(error_number);
    return failure(step, name != nullptr ? name : std::to_string(error_number));
}

JsonLine failure(std::string_view step, std::string_view reason)
{
    JsonLine line(step);
    line.flag("ok", false).text("errno", reason);
    return line;
}

} // namespace workload
