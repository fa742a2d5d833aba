// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Writes JSON documents, one at a time, into one buffer that is used again and again. It
// knows the program's basic types, not the shape of any document (docs/events.md).
#pragma once

#include "base/endpoint.hpp"
#include "base/tcp_state.hpp"
#include "output/integer.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tcpledger {

/// Every call returns the writer, so that a document reads as a chain. The first call after a
/// complete document starts the next one.
class JsonWriter {
public:
    JsonWriter() = default;
    JsonWriter(const JsonWriter&) = delete;
    JsonWriter& operator=(const JsonWriter&) = delete;

    JsonWriter& begin_object();
    JsonWriter& end_object();
    JsonWriter& begin_array();
    JsonWriter& end_array();

    /// A member's name; any bytes.
    JsonWriter& key(std::string_view name);

    JsonWriter& null();
    template <std::same_as<bool> T> JsonWriter& value(T truth) { return boolean(truth); }
    template <WrittenInteger T> JsonWriter& value(T number)
    {
        if constexpr (std::signed_integral<T>) {
            return integer(static_cast<std::int64_t>(number));
        } else {
            return natural(static_cast<std::uint64_t>(number));
        }
    }
    /// Not finite: null.
    JsonWriter& value(double number);
    /// Any bytes; see append_json_string.
    JsonWriter& value(std::string_view raw);
    JsonWriter& value(const char* raw) { return value(std::string_view(raw)); }
    JsonWriter& value(const std::string& raw) { return value(std::string_view(raw)); }
    /// "CLOSE_WAIT"
    JsonWriter& value(TcpState state);
    /// "10.0.0.1", "fe80::1"
    JsonWriter& value(const IpAddress& address);
    /// "2026-11-20T18:03:05.123456Z"
    JsonWriter& value(std::chrono::system_clock::time_point time);
    /// Nothing: null.
    template <typename T> JsonWriter& value(const std::optional<T>& maybe)
    {
        return maybe ? value(*maybe) : null();
    }

    template <typename T> JsonWriter& field(std::string_view name, const T& content)
    {
        key(name);
        return value(content);
    }
    JsonWriter& field(std::string_view name, const char* content)
    {
        return key(name).value(content);
    }
    JsonWriter& null_field(std::string_view name) { return key(name).null(); }

    /// A duration as a number of milliseconds with three decimals, for members named …_ms.
    JsonWriter& milliseconds_field(std::string_view name,
                                   std::optional<std::chrono::nanoseconds> duration);

    [[nodiscard]] bool complete() const { return writer_.IsComplete(); }

    /// The document, without a line end; it holds none inside. Valid until the next document
    /// starts.
    [[nodiscard]] std::string_view take_line() const
    {
        return {buffer_.GetString(), buffer_.GetSize()};
    }

private:
    void start_when_complete();
    JsonWriter& boolean(bool truth);
    JsonWriter& integer(std::int64_t number);
    JsonWriter& natural(std::uint64_t number);

    rapidjson::StringBuffer buffer_;
    rapidjson::Writer<rapidjson::StringBuffer> writer_{buffer_};
    std::string scratch_;
};

} // namespace tcpledger
