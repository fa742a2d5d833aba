// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One pass over the descriptors of every process, in the kernel: iter/task_file; and one over the
// tasks: iter/task. Neither asks whether the caller may look at a process.
#pragma once

#include "base/error.hpp"

#include "shared/events.h"
#include "shared/selection.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <vector>

namespace tcpledger {

/// Where the tracer's programs look for the sockets of the processes that its cases name, see
/// bpf/lib/marks.bpf.h.
struct SocketMarks {
    int map_fd = -1; ///< -1: none are marked
    std::vector<tl_case> cases = {};
};

class TaskFileScan {
public:
    /// Loads the iterator, for TCP sockets and, where wanted, UDP sockets; fails with
    /// kUnsupported where the kernel has none. With `marks` each run() marks the sockets of which
    /// those processes have a descriptor.
    [[nodiscard]] static Expected<TaskFileScan> open(bool want_udp = false,
                                                     const SocketMarks& marks = {});
    TaskFileScan(TaskFileScan&&) noexcept;
    TaskFileScan& operator=(TaskFileScan&&) noexcept;
    ~TaskFileScan();

    /// Calls `holder` for each descriptor of a wanted socket, all namespaces alike.
    [[nodiscard]] Expected<void> run(const std::function<void(const tl_holder&)>& holder) const;
    /// The inode numbers of the network namespaces that a thread is in. For one caller at a time.
    [[nodiscard]] Expected<std::set<std::uint32_t>> netns() const;

private:
    struct Impl;
    explicit TaskFileScan(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace tcpledger
