// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/duration.hpp"

#include <charconv>
#include <system_error>
#include <utility>

namespace tcpledger {

std::optional<double> parse_seconds(std::string_view text)
{
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    if (error != std::errc() || !(number > 0)) {
        return std::nullopt;
    }
    for (const auto& [name, seconds] :
         {std::pair{"ms", 0.001}, {"s", 1.0}, {"", 1.0}, {"m", 60.0}, {"h", 3600.0}}) {
        if (unit == name) {
            return number * seconds;
        }
    }
    return std::nullopt;
}

} // namespace tcpledger
