// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The growth of a figure that was looked at now and then. Pure.
#pragma once

#include <optional>
#include <span>
#include <utility>

namespace tcpledger {

/// The median of the slopes of all pairs of points (x, y): of the points up to 29 in 100 may be
/// far off without moving it much (Theil, 1950; Sen, 1968). Nothing where no two x differ. Takes
/// time with the square of their number.
[[nodiscard]] std::optional<double> median_slope(std::span<const std::pair<double, double>> points);

} // namespace tcpledger
