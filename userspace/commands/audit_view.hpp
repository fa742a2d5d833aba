// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Findings as text, Markdown and JSON.
#pragma once

#include "analysis/finding.hpp"
#include "output/color.hpp"
#include "output/json.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace tcpledger {

/// The columns that text for people takes: the terminal's, within bounds that read well; 80 where
/// there is none.
[[nodiscard]] std::size_t page_width(int fd);

/// One finding in lines of at most `width` columns; commands are never broken.
[[nodiscard]] std::string render_finding(const Finding& finding, const Painter& painter,
                                         std::size_t width);

/// The same as a section of a Markdown page, its headings at level 3.
[[nodiscard]] std::string markdown_finding(const Finding& finding);

/// "2 findings: 1 critical, 1 warning"; "no finding".
[[nodiscard]] std::string summary(std::span<const Finding> findings);

/// The member "findings" of an open object, see docs/events.md.
void write_findings(JsonWriter& json, std::span<const Finding> findings);

} // namespace tcpledger
