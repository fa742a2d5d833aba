// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `states` as text and as JSON.
#pragma once

#include "commands/states_report.hpp"
#include "output/color.hpp"
#include "output/json.hpp"

#include <string>

namespace tcpledger {

/// What a state means and when to worry: one line, without its name.
[[nodiscard]] std::string_view explanation_of(TcpState state) noexcept;

/// `line_width` 0: as wide as it gets.
[[nodiscard]] std::string render_text(const StatesReport& report, const StatesOptions& options,
                                      const Painter& painter, std::size_t line_width);

/// `time`: where documents follow one another.
void write_json(JsonWriter& json, const StatesReport& report, const StatesOptions& options,
                std::optional<std::chrono::system_clock::time_point> time);

} // namespace tcpledger
