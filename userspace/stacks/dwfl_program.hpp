// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One program as libdw knows it: its files, their unwind tables and symbols. In the stack helper
// only: what is read here was written by others, and libdw may crash on it.
#pragma once

#include "base/unique_fd.hpp"
#include "stacks/messages.hpp"
#include "stacks/perf_map.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

namespace tcpledger {

class DwflProgram {
public:
    /// `files`: those that MappedFile::file names.
    DwflProgram(KnowProgram known, std::span<UniqueFd> files);
    DwflProgram(const DwflProgram&) = delete;
    DwflProgram& operator=(const DwflProgram&) = delete;
    ~DwflProgram();

    void add_debug_file(std::uint32_t mapped, UniqueFd file);
    void set_perf_map(const UniqueFd& file);

    [[nodiscard]] Unwound unwind(const Unwind& request);
    [[nodiscard]] Named name(std::span<const std::uint64_t> addresses);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace tcpledger
