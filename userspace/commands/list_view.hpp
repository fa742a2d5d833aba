// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One socket of `list`: in ss's columns, or as DESIGN's JSON.
#pragma once

#include "commands/options.hpp"
#include "ledger/process_table.hpp"
#include "output/json.hpp"
#include "session/census.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tcpledger {

struct ListedSocket {
    const SocketRow& row;
    const Process* owner; ///< nullptr = nobody knows
    How how;
    bool unaccepted;
    std::span<const CensusHolder> holders; ///< by pid, then fd
};

/// Time in TIME_WAIT so far, which its timer tells; nothing for other states.
[[nodiscard]] std::optional<std::chrono::milliseconds> time_wait_age(const SocketRow& row);

void begin_list(JsonWriter& json);
void write_json(JsonWriter& json, const ListedSocket& socket);
void end_list(JsonWriter& json);

class ListText {
public:
    ListText(const ListOptions& options, bool with_netns)
        : extended_(options.extended), with_netns_(with_netns)
    {
    }

    [[nodiscard]] std::string header() const;
    /// Valid until the next call.
    [[nodiscard]] std::string_view format(const ListedSocket& socket);

private:
    void append_process(const ListedSocket& socket);

    bool extended_;
    bool with_netns_;
    std::string line_;
};

} // namespace tcpledger
