// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `top`'s report as text and as JSON.
#pragma once

#include "ledger/overview.hpp"
#include "output/color.hpp"
#include "output/json.hpp"
#include "procfs/clock.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tcpledger {

struct TopReport {
    ClockReading time;
    std::chrono::milliseconds interval{};
    Overview overview; ///< processes sorted and cut as wanted
    std::uint64_t lost = 0;
    std::uint64_t drift = 0;
    std::vector<std::string> containers; ///< of overview.processes, in step; empty = none
};

/// Two lines of head, then a row a process. `width` 0: as wide as it gets.
[[nodiscard]] std::string render_text(const TopReport& report, const Painter& painter,
                                      std::size_t width);
/// DESIGN's `top --once` document.
void write_json(JsonWriter& json, const TopReport& report);

} // namespace tcpledger
