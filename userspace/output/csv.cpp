// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/csv.hpp"

#include "output/escape.hpp"
#include "output/format.hpp"

#include <fmt/format.h>

#include <cmath>

namespace tcpledger {

void CsvWriter::separate()
{
    if (at_start_) {
        row_.clear();
        at_start_ = false;
    } else {
        row_ += ',';
    }
}

CsvWriter& CsvWriter::plain(std::string_view text)
{
    separate();
    row_ += text;
    return *this;
}

CsvWriter& CsvWriter::null()
{
    return plain({});
}

CsvWriter& CsvWriter::value(double number)
{
    return std::isfinite(number) ? plain(fmt::format("{}", number)) : null();
}

CsvWriter& CsvWriter::value(std::string_view raw)
{
    separate();
    append_csv_field(row_, raw);
    return *this;
}

CsvWriter& CsvWriter::value(TcpState state)
{
    return plain(state_name(state));
}

CsvWriter& CsvWriter::value(const IpAddress& address)
{
    return plain(address.text());
}

CsvWriter& CsvWriter::value(std::chrono::system_clock::time_point time)
{
    separate();
    append_rfc3339_us(row_, time);
    return *this;
}

CsvWriter& CsvWriter::milliseconds(std::optional<std::chrono::nanoseconds> duration)
{
    separate();
    if (duration) {
        append_milliseconds(row_, *duration);
    }
    return *this;
}

std::string_view CsvWriter::take_line()
{
    if (at_start_) {
        row_.clear();
    }
    at_start_ = true;
    return row_;
}

} // namespace tcpledger
