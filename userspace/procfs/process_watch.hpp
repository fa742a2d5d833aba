// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tells when one process has ended, by a descriptor of it (pidfd_open(2), Linux 5.3), which a
// reused pid cannot deceive.
#pragma once

#include "base/error.hpp"
#include "base/unique_fd.hpp"

#include <cstdint>
#include <utility>

namespace tcpledger {

class ProcessWatch {
public:
    /// ESRCH where there is no such process.
    [[nodiscard]] static Expected<ProcessWatch> open(std::uint32_t pid);

    /// All its threads have ended: its descriptors are closed.
    [[nodiscard]] bool ended() const;

private:
    explicit ProcessWatch(UniqueFd fd) : fd_(std::move(fd)) {}

    UniqueFd fd_;
};

} // namespace tcpledger
