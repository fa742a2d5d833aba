// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which transitions `trace` shows: bcc's letters, and a filter. Pure; containers are asked of
// the caller.
#pragma once

#include "commands/options.hpp"
#include "commands/trace_view.hpp"
#include "filter/cases.hpp"
#include "filter/filter.hpp"

#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tcpledger {

/// What of bcc's letters and of a filter the kernel can decide, see cases_of(). For `trace`, whose
/// lines can be told one by one; where whole connections are asked for, without the process, which
/// may have changed.
[[nodiscard]] std::vector<tl_case> kernel_cases(const TraceOptions& options, const Filter& filter);

class TraceFilter {
public:
    /// The container of a process; empty for none.
    using Containers = std::function<std::string_view(const ProcessKey&)>;
    /// Fills in what the socket's namespace makes of its device and its port.
    using Namespaces = std::function<void(SocketView&)>;

    /// `filter`'s state is the new one, its age the time that the old state lasted.
    explicit TraceFilter(const TraceOptions& options, Filter filter = {},
                         Containers containers = {}, Namespaces namespaces = {});

    /// Calls show(line) for what passes. CLOSE → SYN_SENT has no local port yet: where a
    /// local port is asked for, it waits for the connection's next transition, which has.
    void pass(const TraceLine& line, const std::function<void(const TraceLine&)>& show);

    /// Whether a line with a whole tuple passes by itself.
    [[nodiscard]] bool matches(const TraceLine& line) const;

    /// Connections that wait for their port.
    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

private:
    const TraceOptions& options_;
    Filter filter_;
    Containers containers_; ///< empty: not asked
    Namespaces namespaces_; ///< likewise
    bool asks_local_port_;
    std::unordered_map<std::uint64_t, TraceLine> waiting_; ///< by cookie
};

} // namespace tcpledger
