// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Durations as people type them.
#pragma once

#include <optional>
#include <string_view>

namespace tcpledger {

/// "60", "60s", "1.5m", "500ms", "2h" as seconds; nothing for all else, 0 and less included.
[[nodiscard]] std::optional<double> parse_seconds(std::string_view text);

} // namespace tcpledger
