// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One transition as a line: text in the columns of bcc's tcpstates, CSV or JSON.
#pragma once

#include "commands/options.hpp"
#include "filter/socket_view.hpp"
#include "ledger/burst_meter.hpp"
#include "ledger/ledger.hpp"
#include "output/csv.hpp"
#include "output/json.hpp"
#include "output/table.hpp"
#include "procfs/clock.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tcpledger {

/// A transition, copied out of the ledger so that it can wait for its filter.
struct TraceLine {
    MonotonicTime time{};
    FourTuple tuple;
    std::uint64_t cookie = 0;
    std::optional<std::uint32_t> pid; ///< none: [kernel], [unknown]
    ProcessKey process;               ///< where there is a pid
    std::string comm;                 ///< raw bytes
    std::uint32_t uid = kNoUid;       ///< the process's
    std::uint64_t cgroup_id = 0;      ///< the process's; 0: not known
    How how = How::kUnknown;
    std::uint8_t family = 0; ///< of the socket
    std::uint32_t inode = 0; ///< 0: not known
    std::uint32_t mark = 0;
    std::uint32_t interface_index = 0;
    PortOrigin port_origin = PortOrigin::kUnknown;
    bool unaccepted = false;
    bool present = false; ///< no transition: it is in new_state, and old_state means nothing
    TcpState old_state = TcpState::kClose;
    TcpState new_state = TcpState::kClose;
    std::optional<MonotonicTime> time_in_old_state;
};

[[nodiscard]] TraceLine line_of(const AppliedTransition& transition);

class TraceFormat {
public:
    TraceFormat(const TraceOptions& options, Painter painter, const ClockReading& start);

    /// The header, or nothing where the format has none.
    [[nodiscard]] std::string header() const;
    /// The line, without its end; valid until the next call.
    [[nodiscard]] std::string_view format(const TraceLine& line);
    void renew_clock(const ClockReading& reading) { timeline_ = Timeline(reading, user_hz()); }
    /// What stands in place of lost records.
    [[nodiscard]] std::string loss(std::uint64_t lost, MonotonicTime now) const;
    /// What stands where a burst begins or is over.
    [[nodiscard]] std::string burst(const BurstMark& mark) const;
    /// What stands in place of lines that a slow reader missed.
    [[nodiscard]] std::string dropped(std::uint64_t lines, MonotonicTime now) const;
    /// A moment of the records as wall time.
    [[nodiscard]] std::chrono::system_clock::time_point wall(MonotonicTime time) const;

private:
    /// How much earlier than the latest line so far this one is; nothing where it is not.
    std::optional<MonotonicTime> earlier(const TraceLine& line);
    std::string_view format_json(const TraceLine& line, std::optional<MonotonicTime> early);
    /// The CSV row of what is no transition: a time, and one of the figures.
    [[nodiscard]] std::string aside_row(MonotonicTime now, std::optional<std::uint64_t> lost,
                                        std::optional<std::uint64_t> dropped,
                                        std::optional<std::uint64_t> burst_per_s = {}) const;
    std::string_view format_csv(const TraceLine& line, std::optional<MonotonicTime> early);
    std::string_view format_text(const TraceLine& line, std::optional<MonotonicTime> early);

    const TraceOptions& options_;
    MonotonicTime start_;
    MonotonicTime latest_{}; ///< of the lines so far
    Timeline timeline_;
    RowFormat rows_;
    JsonWriter json_;
    CsvWriter csv_;
    std::string text_;
};

} // namespace tcpledger
