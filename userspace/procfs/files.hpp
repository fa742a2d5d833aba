// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reading the files and directories of /proc through directory descriptors, with a
// bound on every read. It does not know what the bytes mean.
#pragma once

#include "base/error.hpp"
#include "base/unique_fd.hpp"

#include <dirent.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace tcpledger::procfs {

/// Opens a directory to start paths from. Errors: errno of open(2).
[[nodiscard]] Expected<UniqueFd> open_directory(const std::filesystem::path& path);

/// The same relative to `directory_fd`; `name` is a path.
[[nodiscard]] Expected<UniqueFd> open_directory_at(int directory_fd, const char* name);

/// The first `limit_bytes` bytes of a file; a longer one is cut there without an error.
/// Errors: errno of open(2) or read(2); ESRCH where the process ended in between.
[[nodiscard]] Expected<std::string> read_file_at(int directory_fd, const char* name,
                                                 std::size_t limit_bytes);

/// The same for a path of its own.
[[nodiscard]] Expected<std::string> read_file(const std::filesystem::path& path,
                                              std::size_t limit_bytes);

/// Walks a directory's entries; "." and ".." are not among them.
class DirectoryWalk {
public:
    /// Errors: errno of open(2).
    [[nodiscard]] static Expected<DirectoryWalk> open(int directory_fd, const char* name);

    /// The next entry's name, valid until the next call; nullptr at the end or when the
    /// directory's process has ended.
    [[nodiscard]] const char* next() noexcept;

    /// For openat(2) and readlinkat(2); lives as long as the walk.
    [[nodiscard]] int fd() const noexcept { return ::dirfd(stream_.get()); }

private:
    struct Close {
        void operator()(DIR* stream) const noexcept { ::closedir(stream); }
    };

    explicit DirectoryWalk(DIR* stream) noexcept : stream_(stream) {}

    std::unique_ptr<DIR, Close> stream_;
};

} // namespace tcpledger::procfs
