// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Where separate debug files are, and what to tell people whose program has none.
#pragma once

#include "base/unique_fd.hpp"
#include "procfs/mappings.hpp"
#include "stacks/messages.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tcpledger {

/// Where a debug file may be, the likeliest first: by build-id, then by .gnu_debuglink beside the
/// program's file and below /usr/lib/debug (as gdb and elfutils look). Hostile names give none.
[[nodiscard]] std::vector<std::string> debug_file_paths(const std::string& program_file,
                                                        const WantedDebugFile& wanted);

/// In the process's own root, then in ours, then from a debuginfod server if that is wanted; not
/// valid: it is nowhere. Whether it fits is for who reads it.
[[nodiscard]] UniqueFd find_debug_file(const ProcessRoot& root, const std::string& program_file,
                                       const WantedDebugFile& wanted, bool debuginfod);

/// What would give the names that a stack lacks, a sentence each. The first of `mapped` is what
/// process `pid` executes.
[[nodiscard]] std::vector<std::string>
naming_hints(const Named& named, std::span<const MappedFile> mapped, std::uint32_t pid);

} // namespace tcpledger
