// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/json.hpp"

#include "output/escape.hpp"
#include "output/format.hpp"

#include <algorithm>
#include <cmath>

namespace tcpledger {
namespace {

/// Nothing in it that JSON or a terminal would mind.
bool is_plain(std::string_view raw)
{
    return std::ranges::all_of(
        raw, [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

rapidjson::SizeType size_of(std::string_view text)
{
    return static_cast<rapidjson::SizeType>(text.size());
}

} // namespace

void JsonWriter::start_when_complete()
{
    if (writer_.IsComplete()) {
        buffer_.Clear();
        writer_.Reset(buffer_);
    }
}

JsonWriter& JsonWriter::begin_object()
{
    start_when_complete();
    writer_.StartObject();
    return *this;
}

JsonWriter& JsonWriter::end_object()
{
    writer_.EndObject();
    return *this;
}

JsonWriter& JsonWriter::begin_array()
{
    start_when_complete();
    writer_.StartArray();
    return *this;
}

JsonWriter& JsonWriter::end_array()
{
    writer_.EndArray();
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view name)
{
    return value(name); // a member's name is written as any other string
}

JsonWriter& JsonWriter::null()
{
    start_when_complete();
    writer_.Null();
    return *this;
}

JsonWriter& JsonWriter::boolean(bool truth)
{
    start_when_complete();
    writer_.Bool(truth);
    return *this;
}

JsonWriter& JsonWriter::integer(std::int64_t number)
{
    start_when_complete();
    writer_.Int64(number);
    return *this;
}

JsonWriter& JsonWriter::natural(std::uint64_t number)
{
    start_when_complete();
    writer_.Uint64(number);
    return *this;
}

JsonWriter& JsonWriter::value(double number)
{
    if (!std::isfinite(number)) {
        return null();
    }
    start_when_complete();
    writer_.Double(number);
    return *this;
}

JsonWriter& JsonWriter::value(std::string_view raw)
{
    start_when_complete();
    if (is_plain(raw)) {
        writer_.String(raw.empty() ? "" : raw.data(), size_of(raw));
        return *this;
    }
    scratch_.clear();
    append_json_string(scratch_, raw);
    writer_.RawValue(scratch_.data(), scratch_.size(), rapidjson::kStringType);
    return *this;
}

JsonWriter& JsonWriter::value(TcpState state)
{
    return value(state_name(state));
}

JsonWriter& JsonWriter::value(const IpAddress& address)
{
    return value(std::string_view(address.text()));
}

JsonWriter& JsonWriter::value(std::chrono::system_clock::time_point time)
{
    start_when_complete();
    scratch_.clear();
    append_rfc3339_us(scratch_, time);
    writer_.String(scratch_.data(), size_of(scratch_));
    return *this;
}

JsonWriter& JsonWriter::milliseconds_field(std::string_view name,
                                           std::optional<std::chrono::nanoseconds> duration)
{
    key(name);
    if (!duration) {
        return null();
    }
    scratch_.clear();
    append_milliseconds(scratch_, *duration);
    writer_.RawValue(scratch_.data(), scratch_.size(), rapidjson::kNumberType);
    return *this;
}

} // namespace tcpledger
