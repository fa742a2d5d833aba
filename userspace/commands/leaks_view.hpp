// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The leak suspects as text and as JSON. Pure: what /proc says of the processes comes along.
#pragma once

#include "analysis/leak_book.hpp"
#include "output/color.hpp"
#include "output/json.hpp"
#include "session/stack_tally.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tcpledger {

/// A suspect with what is known of its process: the holder of most of its sockets, or whose
/// accept queue it is.
struct DescribedSuspect {
    LeakSuspect suspect;
    ProcessKey process;
    std::string container; ///< empty: in none
    std::optional<std::uint64_t> fds_used;
    std::optional<std::uint64_t> fd_limit;   ///< soft; nothing where there is none
    std::map<ProcessKey, std::string> names; ///< raw bytes, of all processes concerned
    StackTally tally;                        ///< of those stuck
    std::vector<CountedStack> stacks;        ///< the same, named
};

struct LeaksReport {
    std::chrono::system_clock::time_point time;
    LeakTime observed{};
    std::size_t looks = 0;
    std::size_t connections = 0;
    std::uint64_t lost = 0;
    std::vector<DescribedSuspect> suspects;
};

/// One sentence, raw bytes: "leak (high): nginx[812] holds 3,856 CLOSE_WAIT to 10.0.0.5:5432, …".
[[nodiscard]] std::string leak_sentence(const DescribedSuspect& described);

/// Until the descriptors are gone; nothing where that is not to be expected.
[[nodiscard]] std::optional<LeakTime> until_exhausted(const DescribedSuspect& described);

[[nodiscard]] std::string render_text(const LeaksReport& report, const Painter& painter,
                                      std::size_t width);
/// DESIGN's `leaks` document.
void write_json(JsonWriter& json, const LeaksReport& report);

} // namespace tcpledger
