// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sentences broken into lines. It knows no columns of a table.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tcpledger {

/// `raw`, made visible, in lines of at most `width` columns that end in '\n' and are broken at
/// blanks; the first starts with `first`, the others with as many blanks. A longer word stays
/// whole. Nothing for an empty text.
[[nodiscard]] std::string wrap(std::string_view raw, std::string_view first, std::size_t width);

} // namespace tcpledger
