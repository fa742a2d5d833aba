// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A stand-in for /proc in a temporary directory, removed at the end. For tests only.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace tcpledger {

class StubTree {
public:
    StubTree()
    {
        std::string name = (std::filesystem::temp_directory_path() / "tcpledger-XXXXXX").string();
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        root_ = name;
    }
    StubTree(const StubTree&) = delete;
    StubTree& operator=(const StubTree&) = delete;
    ~StubTree() { std::filesystem::remove_all(root_); }

    [[nodiscard]] const std::filesystem::path& root() const { return root_; }

    void file(const std::string& path, std::string_view text) const
    {
        std::filesystem::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path, std::ios::binary) << text;
    }
    void directory(const std::string& path) const
    {
        std::filesystem::create_directories(root_ / path);
    }
    /// Its target need not exist.
    void link(const std::string& path, const std::string& target) const
    {
        std::filesystem::create_directories((root_ / path).parent_path());
        std::filesystem::create_symlink(target, root_ / path);
    }

private:
    std::filesystem::path root_;
};

/// A line as /proc/PID/stat has it.
inline std::string stat_line(const std::string& pid, const std::string& comm,
                             const std::string& start_ticks, char state = 'S')
{
    return pid + " (" + comm + ") " + state +
           " 7 42 42 0 -1 4194560 100 200 3 4 5 6 7 8 20 0 1 0 " + start_ticks +
           " 1000 200 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n";
}

} // namespace tcpledger
