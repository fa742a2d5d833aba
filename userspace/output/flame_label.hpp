// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What is written on a box of a flame graph when there is room for so many columns. Pure;
// userspace/output/flame_script.cpp follows the same rule when it zooms.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tcpledger {

struct FlameLabel {
    std::string name;     ///< empty: no room
    std::string location; ///< "main.c:40"; empty: none or no room
    bool shows_count = false;
};

/// `name` as it is where it fits; else without its argument list, then without what qualifies it:
/// "shop::net::dial(int)" "shop::net::dial" "dial", cut with "…" as the last resort.
[[nodiscard]] std::string fit_name(std::string_view name, std::size_t columns);

/// Name, location and count are visible() text; an empty count is not wanted. The count has its
/// place where 8 columns of the name stay; then the location, whole or not at all, where 20 do.
[[nodiscard]] FlameLabel fit_label(std::string_view name, std::string_view location,
                                   std::string_view count, std::size_t columns);

} // namespace tcpledger
