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

/// `width` 0: as wide as it gets.
[[nodiscard]] std::string render_churn(const ChurnReport& report, const Painter& painter,
                                       std::size_t width);

/// One document, see docs/events.md.
void write_json(JsonWriter& json, const ChurnReport& report,
                std::chrono::system_clock::time_point time);

/// The members "dwell", "connect" and "accept_wait" of an object that is open.
void write_dwells(JsonWriter& json, const Dwells& dwells, bool with_bins);

} // namespace tcpledger
