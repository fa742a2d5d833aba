// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "analysis/slope.hpp"

#include <algorithm>
#include <vector>

namespace tcpledger {

std::optional<double> median_slope(std::span<const std::pair<double, double>> points)
{
    std::vector<double> slopes;
    slopes.reserve(points.size() * points.size() / 2);
    for (std::size_t left = 0; left < points.size(); ++left) {
        for (std::size_t right = left + 1; right < points.size(); ++right) {
            const double run = points[right].first - points[left].first;
            if (run != 0.0) {
                slopes.push_back((points[right].second - points[left].second) / run);
            }
        }
    }
    if (slopes.empty()) {
        return std::nullopt;
    }
    const auto middle = slopes.begin() + static_cast<std::ptrdiff_t>(slopes.size() / 2);
    std::ranges::nth_element(slopes, middle);
    if (slopes.size() % 2 == 1) {
        return *middle;
    }
    return (*middle + *std::max_element(slopes.begin(), middle)) / 2.0;
}

} // namespace tcpledger
