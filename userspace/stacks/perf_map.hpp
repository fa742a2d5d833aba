// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a program says of the code that it has compiled itself (perf-PID.map, as perf(1) reads it):
// lines of "START SIZE NAME", hexadecimal. Any bytes are taken; a line that is none is passed over.
#pragma once

#include "base/stack.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace tcpledger {

class PerfMap {
public:
    static constexpr std::size_t kMostEntries = 1'000'000;
    static constexpr std::size_t kMostNameBytes = 1024;

    PerfMap() = default;
    /// What comes later in the text replaces what it overlaps: code is compiled again.
    [[nodiscard]] static PerfMap parse(std::string_view text);

    /// The frame of an address; its module is "[jit]". False: no code is known there.
    [[nodiscard]] bool name(std::uint64_t address, StackFrame& frame) const;
    [[nodiscard]] bool contains(std::uint64_t address) const;
    [[nodiscard]] bool empty() const { return entries_.empty(); }

private:
    struct Entry {
        std::uint64_t end = 0;
        std::string name;
    };
    void add(std::uint64_t start, std::uint64_t size, std::string_view name);
    [[nodiscard]] const Entry* find(std::uint64_t address) const;

    std::map<std::uint64_t, Entry> entries_; ///< by their start; they do not overlap
};

/// Of V8's "JS:*open /app/pool.js:12:20" function, file and line (where the function begins); any
/// other name is the function's.
void split_jit_name(std::string_view name, StackFrame& frame);

} // namespace tcpledger
