// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A report as text, Markdown and JSON.
#pragma once

#include "commands/report_page.hpp"
#include "output/color.hpp"
#include "output/json.hpp"

#include <cstddef>
#include <string>

namespace tcpledger {

/// One page for a ticket: sections of plain text, lines of at most `width` columns where that
/// can be.
[[nodiscard]] std::string render_report(const ReportPage& page, const Painter& painter,
                                        std::size_t width);

/// The same for what renders Markdown; whatever names processes have, it stays text.
[[nodiscard]] std::string markdown_report(const ReportPage& page);

/// One document, see docs/events.md.
void write_json(JsonWriter& json, const ReportPage& page);

} // namespace tcpledger
