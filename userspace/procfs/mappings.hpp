// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The executable mappings of a process (/proc/PID/maps), and the files behind them, opened so that
// nothing that a process put there can hold us up or lead us out of its own root.
#pragma once

#include "base/error.hpp"
#include "base/unique_fd.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tcpledger {

/// Of a file; memory that is no file's is left out.
struct ExecutableMapping {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::uint64_t offset = 0; ///< in the file, in bytes
    std::uint64_t inode = 0;
    std::string path; ///< as the process sees it, without " (deleted)"

    bool operator==(const ExecutableMapping&) const = default;
};

struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;

    bool operator==(const FileIdentity&) const = default;
};

/// Of the text of /proc/PID/maps, in its order; lines that are none are passed over.
[[nodiscard]] std::vector<ExecutableMapping> parse_mappings(std::string_view text);

/// A process's view of the file system, which is kept: files can still be opened below its root
/// when it has ended. What else is asked of it then is an error.
class ProcessRoot {
public:
    /// Errors: errno of open(2); ENOENT or ESRCH when there is no such process.
    [[nodiscard]] static Expected<ProcessRoot> open(std::uint32_t pid,
                                                    const std::filesystem::path& proc = "/proc");

    [[nodiscard]] Expected<std::vector<ExecutableMapping>> mappings() const;
    /// Not valid: it is no regular file, or not the one that is mapped.
    [[nodiscard]] UniqueFd open_mapped(const ExecutableMapping& mapping) const;
    /// A path as the process sees it; not valid: there is no regular file.
    [[nodiscard]] UniqueFd open_file(const std::string& path) const;
    /// What it executes; zeros where that cannot be told.
    [[nodiscard]] FileIdentity program() const;
    /// The pid in the innermost of its pid namespaces.
    [[nodiscard]] std::uint32_t inner_pid() const;

private:
    ProcessRoot(UniqueFd process, UniqueFd root, std::string place, std::uint32_t pid)
        : process_(std::move(process)), root_(std::move(root)), place_(std::move(place)), pid_(pid)
    {
    }

    UniqueFd process_;  ///< /proc/PID
    UniqueFd root_;     ///< not valid: we may not look there
    std::string place_; ///< of the root in its mount namespace; empty: at the top
    std::uint32_t pid_;
};

/// The same of our own root.
[[nodiscard]] UniqueFd open_regular_file(const std::string& path);

} // namespace tcpledger
