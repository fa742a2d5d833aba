// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/distribution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace tcpledger {
namespace {

constexpr std::uint64_t kFinest = 1000; ///< the first bin ends at a microsecond
constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max(); ///< of nanoseconds

/// The end of the bin that `value` is in: 1, 2, 5, 10 … µs.
std::uint64_t end_of_bin(std::uint64_t value)
{
    std::uint64_t end = kFinest;
    for (std::size_t step = 0; end <= value; ++step) {
        if (end > kMost / 3) {
            return kMost;
        }
        end = step % 3 == 1 ? end / 2 * 5 : end * 2;
    }
    return end;
}

std::chrono::nanoseconds time_of(std::uint64_t value)
{
    return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(value, kMost)));
}

/// "200us", "5ms", "1000s" as they are, not in three digits.
std::string edge_text(std::chrono::nanoseconds edge)
{
    return edge.count() == 0 ? "0" : format_duration(edge);
}

/// A bar in eighths of a column.
std::string bar(double columns)
{
    static constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const auto eighths = static_cast<std::size_t>(std::ceil(columns * 8));
    std::string text;
    for (std::size_t whole = 0; whole < eighths / 8; ++whole) {
        text += "█";
    }
    return text + kEighths[eighths % 8];
}

} // namespace

void HistogramBins::add(std::uint64_t value, std::uint64_t times)
{
    value = std::min(value, kMost - 1);
    const auto end = time_of(end_of_bin(value));
    if (bins_.empty()) {
        bins_.push_back({std::chrono::nanoseconds(0), end, 0});
        // its begin is the end of the one before
        for (std::uint64_t edge = kFinest; time_of(edge) < end; edge = end_of_bin(edge)) {
            bins_.back().from = time_of(edge);
        }
    }
    while (bins_.back().to < end) {
        const auto from = bins_.back().to;
        bins_.push_back({from, time_of(end_of_bin(static_cast<std::uint64_t>(from.count()))), 0});
    }
    bins_.back().count += times;
}

std::string render_bins(const std::vector<HistogramBin>& bins, std::size_t width,
                        const Painter& painter)
{
    std::uint64_t most = 1;
    std::size_t digits = 1;
    for (const HistogramBin& bin : bins) {
        most = std::max(most, bin.count);
        digits = std::max(digits, format_count(bin.count).size());
    }
    std::string text;
    for (const HistogramBin& bin : bins) {
        const double share = static_cast<double>(bin.count) / static_cast<double>(most);
        text += fmt::format("{:>7} - {:<7} {:>{}} ", edge_text(bin.from), edge_text(bin.to),
                            format_count(bin.count), digits);
        painter.append(text, bar(share * static_cast<double>(width)), Style::kGood);
        while (text.back() == ' ') {
            text.pop_back();
        }
        text += "\n";
    }
    return text;
}

void write_bins(JsonWriter& json, const std::vector<HistogramBin>& bins)
{
    json.key("bins").begin_array();
    for (const HistogramBin& bin : bins) {
        json.begin_object().milliseconds_field("from_ms", bin.from);
        json.milliseconds_field("to_ms", bin.to).field("count", bin.count).end_object();
    }
    json.end_array();
}

void write_dwells(JsonWriter& json, const Dwells& dwells)
{
    json.key("dwell").begin_object();
    for (const TcpState state : kShownStates) {
        const DwellHistogram& histogram = dwells.states[static_cast<std::size_t>(state)];
        if (!histogram.empty()) {
            json.key(state_name(state));
            write_distribution(json, histogram, true);
        }
    }
    json.end_object();
    json.key("connect");
    write_distribution(json, dwells.connect, true);
    json.key("accept_wait");
    write_distribution(json, dwells.accept_wait, true);
}

} // namespace tcpledger
