// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One finished connection as a line: text in the manner of bcc's tcplife, CSV or JSON.
#pragma once

#include "commands/options.hpp"
#include "commands/trace_view.hpp"
#include "kernel/resets.hpp"
#include "ledger/life_book.hpp"
#include "output/csv.hpp"
#include "output/json.hpp"
#include "output/table.hpp"
#include "procfs/clock.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tcpledger {

/// What `trace` says of it: identity and owner. For filters its new state is the last one before
/// CLOSE, and the time in the old state is the connection's duration.
[[nodiscard]] TraceLine identity_of(const FinishedLife& life);

class LifeFormat {
public:
    LifeFormat(const LifeOptions& options, Painter painter, const ClockReading& start,
               ResetReasons reasons);

    /// The header, or nothing where the format has none.
    [[nodiscard]] std::string header() const;
    /// The line, without its end; valid until the next call. `identity` is that of `life`.
    [[nodiscard]] std::string_view format(const FinishedLife& life, const TraceLine& identity);
    void renew_clock(const ClockReading& reading) { timeline_ = Timeline(reading, user_hz()); }
    /// What stands in place of `lost` events, or of `dropped` lines that a slow reader missed.
    [[nodiscard]] std::string gap(std::optional<std::uint64_t> lost,
                                  std::optional<std::uint64_t> dropped, MonotonicTime now) const;

private:
    std::string_view format_json(const FinishedLife& life, const TraceLine& identity);
    std::string_view format_csv(const FinishedLife& life, const TraceLine& identity);
    std::string_view format_text(const FinishedLife& life, const TraceLine& identity);
    void write_states(const FinishedLife& life);
    void write_reset(const FinishedLife& life);
    [[nodiscard]] std::string why(const FinishedLife& life) const;
    [[nodiscard]] std::chrono::system_clock::time_point wall(MonotonicTime time) const;
    [[nodiscard]] std::optional<std::chrono::system_clock::time_point>
    opened(const FinishedLife& life) const;

    const LifeOptions& options_;
    MonotonicTime start_;
    Timeline timeline_;
    ResetReasons reasons_;
    RowFormat rows_;
    JsonWriter json_;
    CsvWriter csv_;
    std::string text_;
};

} // namespace tcpledger
