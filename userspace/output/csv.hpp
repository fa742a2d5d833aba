// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Writes CSV rows (RFC 4180), one at a time, into one buffer that is used again and again.
// It does not know which columns a view has.
#pragma once

#include "base/endpoint.hpp"
#include "base/tcp_state.hpp"
#include "output/integer.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace tcpledger {

/// An unknown field is empty. Numbers stay numbers; texts go through csv_field.
class CsvWriter {
public:
    CsvWriter& null();
    template <WrittenInteger T> CsvWriter& value(T number) { return plain(std::to_string(number)); }
    template <std::same_as<bool> T> CsvWriter& value(T truth)
    {
        return plain(truth ? "true" : "false");
    }
    /// Not finite: empty.
    CsvWriter& value(double number);
    CsvWriter& value(std::string_view raw);
    CsvWriter& value(const char* raw) { return value(std::string_view(raw)); }
    CsvWriter& value(const std::string& raw) { return value(std::string_view(raw)); }
    CsvWriter& value(TcpState state);
    CsvWriter& value(const IpAddress& address);
    CsvWriter& value(std::chrono::system_clock::time_point time);
    template <typename T> CsvWriter& value(const std::optional<T>& maybe)
    {
        return maybe ? value(*maybe) : null();
    }
    /// Milliseconds with three decimals.
    CsvWriter& milliseconds(std::optional<std::chrono::nanoseconds> duration);

    /// The row, without a line end; it holds none inside. Valid until the next row starts.
    [[nodiscard]] std::string_view take_line();

private:
    void separate();
    CsvWriter& plain(std::string_view text);

    std::string row_;
    bool at_start_ = true;
};

} // namespace tcpledger
