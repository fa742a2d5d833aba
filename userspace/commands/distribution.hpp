// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A histogram of durations as a row of percentiles, as JSON, as bars.
#pragma once

#include "base/log_histogram.hpp"
#include "ledger/dwells.hpp"
#include "output/color.hpp"
#include "output/format.hpp"
#include "output/json.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tcpledger {

/// The percentiles that are shown, behind them the largest value.
inline constexpr double kShownQuantiles[] = {0.5, 0.9, 0.99};

/// Values from `from` to less than `to`, told by the middles of their buckets.
struct HistogramBin {
    std::chrono::nanoseconds from{};
    std::chrono::nanoseconds to{};
    std::uint64_t count = 0;

    bool operator==(const HistogramBin&) const = default;
};

/// Bins of 1, 2, 5, 10, 20 … units from the smallest value to the largest, empty ones between
/// included. Values are nanoseconds.
class HistogramBins {
public:
    void add(std::uint64_t value, std::uint64_t times);
    [[nodiscard]] const std::vector<HistogramBin>& bins() const { return bins_; }

private:
    std::vector<HistogramBin> bins_;
};

template <unsigned Bits>
[[nodiscard]] std::vector<HistogramBin> bins_of(const LogHistogram<Bits>& histogram)
{
    HistogramBins bins;
    histogram.for_each([&](std::uint64_t value, std::uint64_t times) { bins.add(value, times); });
    return bins.bins();
}

/// A line a bin, with a bar of at most `width` columns.
[[nodiscard]] std::string render_bins(const std::vector<HistogramBin>& bins, std::size_t width,
                                      const Painter& painter);

/// "bins":[{"from_ms","to_ms","count"}]
void write_bins(JsonWriter& json, const std::vector<HistogramBin>& bins);

/// The cells median, p90, p99 and max; "-" of nothing.
template <unsigned Bits>
[[nodiscard]] std::vector<std::string> quantile_cells(const LogHistogram<Bits>& histogram)
{
    std::vector<std::string> cells;
    const auto add = [&](std::uint64_t value) {
        cells.push_back(histogram.empty() ? "-" : format_latency(std::chrono::nanoseconds(value)));
    };
    for (const double share : kShownQuantiles) {
        add(histogram.quantile(share));
    }
    add(histogram.max());
    return cells;
}

/// The object {"count","median_ms","p90_ms","p99_ms","max_ms","bins"}; durations null of nothing.
template <unsigned Bits>
void write_distribution(JsonWriter& json, const LogHistogram<Bits>& histogram, bool with_bins)
{
    constexpr const char* kNames[] = {"median_ms", "p90_ms", "p99_ms"};
    const auto shown = [&](std::uint64_t value) {
        return histogram.empty() ? std::nullopt : std::optional(std::chrono::nanoseconds(value));
    };
    json.begin_object().field("count", histogram.count());
    for (std::size_t at = 0; at < std::size(kNames); ++at) {
        json.milliseconds_field(kNames[at], shown(histogram.quantile(kShownQuantiles[at])));
    }
    json.milliseconds_field("max_ms", shown(histogram.max()));
    if (with_bins) {
        write_bins(json, bins_of(histogram));
    }
    json.end_object();
}

/// The members "dwell" (by state, those with a value), "connect" and "accept_wait".
void write_dwells(JsonWriter& json, const Dwells& dwells);

} // namespace tcpledger
