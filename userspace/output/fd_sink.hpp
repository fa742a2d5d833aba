// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Puts bytes into a descriptor: short writes, EINTR and EAGAIN handled, cut at line ends so
// that a pipe's reader never sees half a line. It does not buffer and owns nothing.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <string_view>

namespace tcpledger {

class FdSink {
public:
    explicit FdSink(int fd) noexcept;

    /// Writes all of `bytes`, waiting as long as it takes or until `abandoned`, which is looked at
    /// between pieces. `written(n)` follows each piece. Returns 0 or errno (ECANCELED
    /// when abandoned). Into a pipe, pieces are whole lines of at most PIPE_BUF bytes together,
    /// which pipe(7) writes all or not at all; longer lines are written in parts.
    [[nodiscard]] int write_all(std::string_view bytes, const std::atomic<bool>& abandoned,
                                const std::function<void(std::size_t)>& written) const;

    /// The other side is gone for good (asked without waiting; a file never is).
    [[nodiscard]] bool reader_gone() const noexcept;

    /// How many of `bytes` the next write takes.
    [[nodiscard]] std::size_t piece_of(std::string_view bytes) const noexcept;

private:
    int fd_;
    std::size_t piece_bytes_;
};

} // namespace tcpledger
