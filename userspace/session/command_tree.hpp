// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A command that is held back until it is told to run, in a cgroup of its own, by which it and all
// its descendants are known. It knows no sockets.
#pragma once

#include "base/error.hpp"
#include "base/unique_fd.hpp"

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tcpledger {

class CommandTree {
public:
    /// Makes the cgroup, and a child that waits. Before any thread: it forks. The command runs as
    /// the user who called sudo, if sudo was called, else as the caller. kUnsupported where there
    /// is no cgroup2 or none can be made.
    [[nodiscard]] static Expected<std::unique_ptr<CommandTree>>
    make(const std::vector<std::string>& command);

    CommandTree(const CommandTree&) = delete;
    CommandTree& operator=(const CommandTree&) = delete;
    /// A child that was not told to run never does; descendants that go on are moved to the
    /// cgroup we came from.
    ~CommandTree();

    /// Lets the command run.
    void run();
    /// Hands a signal on to the command.
    void signal(int number) const;
    /// Readable when it has ended.
    [[nodiscard]] int fd() const { return pidfd_.get(); }
    /// After that: its status, 128 and the number of the signal that ended it. 127 when there was
    /// no such command, 126 when it could not be run.
    [[nodiscard]] int status();

    [[nodiscard]] std::uint64_t cgroup_id() const { return cgroup_id_; }
    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    CommandTree() = default;
    void leave_cgroup();

    std::string parent_path_;
    std::string path_;
    std::uint64_t cgroup_id_ = 0;
    pid_t pid_ = 0;
    UniqueFd pidfd_;
    UniqueFd go_; ///< a byte written here lets it run
};

} // namespace tcpledger
