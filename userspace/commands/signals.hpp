// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// SIGINT, SIGTERM and SIGHUP as a descriptor to wait on.
#pragma once

#include "base/unique_fd.hpp"

namespace tcpledger {

class StopSignals {
public:
    /// Blocks the signals in this thread and all it starts from here on.
    StopSignals();

    /// Readable once a signal came.
    [[nodiscard]] int fd() const { return fd_.get(); }
    /// Whether one came so far.
    [[nodiscard]] bool came();

private:
    UniqueFd fd_;
    bool came_ = false;
};

} // namespace tcpledger
