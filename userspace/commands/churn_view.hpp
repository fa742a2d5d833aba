// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A churn report as text and as JSON. It judges nothing.
#pragma once

#include "analysis/churn_report.hpp"
#include "output/color.hpp"
#include "output/json.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace tcpledger {

/// A line of head, then the body. `width` 0: as wide as it gets.
[[nodiscard]] std::string render_churn(const ChurnReport& report, const Painter& painter,
                                       std::size_t width);
[[nodiscard]] std::string render_churn_body(const ChurnReport& report, const Painter& painter,
                                            std::size_t width);

/// One document, see docs/events.md.
void write_json(JsonWriter& json, const ChurnReport& report,
                std::chrono::system_clock::time_point time);

} // namespace tcpledger
