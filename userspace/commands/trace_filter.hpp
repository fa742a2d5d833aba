// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// bcc's letters: which transitions `trace` shows. Pure.
#pragma once

#include "commands/options.hpp"
#include "commands/trace_view.hpp"

#include <functional>
#include <unordered_map>

namespace tcpledger {

class TraceFilter {
public:
    explicit TraceFilter(const TraceOptions& options) : options_(options) {}

    /// Calls show(line) for what passes. CLOSE → SYN_SENT has no local port yet: where a
    /// local port is asked for, it waits for the connection's next transition, which has.
    void pass(const TraceLine& line, const std::function<void(const TraceLine&)>& show);

    /// Connections that wait for their port.
    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

private:
    [[nodiscard]] bool matches(const TraceLine& line) const;

    const TraceOptions& options_;
    std::unordered_map<std::uint64_t, TraceLine> waiting_; ///< by cookie
};

} // namespace tcpledger
