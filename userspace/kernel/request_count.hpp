// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How many half-open requests wait in one network namespace, without a walk of its connections:
// each listener keeps their number (iter/tcp).
#pragma once

#include "base/error.hpp"
#include "base/unique_fd.hpp"

#include <cstdint>
#include <memory>

namespace tcpledger {

class RequestCount {
public:
    /// Loads the iterator; fails with kUnsupported where the kernel has none.
    [[nodiscard]] static Expected<RequestCount> open();
    RequestCount(RequestCount&&) noexcept;
    RequestCount& operator=(RequestCount&&) noexcept;
    ~RequestCount();

    /// A walk over the caller's network namespace, for take().
    [[nodiscard]] Expected<UniqueFd> begin() const;
    /// The requests of the first `listeners` listeners, now; once for each walk. Where there are
    /// fewer, the walk goes on to the namespace's first connection.
    [[nodiscard]] Expected<std::uint64_t> take(const UniqueFd& walk, std::uint32_t listeners) const;

private:
    struct Impl;
    explicit RequestCount(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace tcpledger
