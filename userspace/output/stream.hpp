// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Lines on their way out, whole or not at all. A view either waits for its reader (a snapshot
// must be complete) or drops and counts (a stream must never hold up the ledger). SIGPIPE is main's
// to ignore; the file status flags of a shared terminal or pipe are never touched.
#pragma once

#include "base/error.hpp"
#include "output/background_writer.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tcpledger {

enum class WhenFull {
    kWait, ///< writes in the calling thread, which waits for a slow reader
    kDrop, ///< writes in a thread of its own; the caller never waits
};

struct LineStreamOptions {
    WhenFull when_full = WhenFull::kDrop;
    /// kDrop: bytes that may wait for the reader; from there on lines are dropped until half is
    /// free.
    std::size_t limit_bytes = std::size_t{8} << 20U;
    /// kDrop: makes the line that stands in place of `dropped` ones; none when empty.
    std::function<std::string(std::uint64_t dropped)> drop_marker = {};
};

class LineStream {
public:
    /// A line is out at the latest this long after flush_if_due() could see it.
    static constexpr std::chrono::milliseconds kFlushInterval{100};
    static constexpr std::size_t kFlushBytes = 64 * 1024;

    /// `fd` is borrowed.
    [[nodiscard]] static Expected<LineStream> open(int fd, LineStreamOptions options = {});

    LineStream(LineStream&& other) noexcept;
    LineStream& operator=(LineStream&& other) noexcept; ///< closes what it held
    ~LineStream();

    /// Takes `line` and adds the line end. False: dropped (counted) or closed (not counted).
    bool write_line(std::string_view line);
    /// The same for bytes as they are (several lines, a screen's frame): kept or dropped together.
    bool write(std::string_view bytes);

    void flush();
    /// Flushes when kFlushInterval has passed since the last time, and notices a reader that
    /// left while nothing was written.
    void flush_if_due(std::chrono::steady_clock::time_point now);

    /// The reader is gone or writing failed: nothing will get through any more.
    [[nodiscard]] bool closed() const noexcept;
    /// Why, unless the reader just left (EPIPE), which is no error.
    [[nodiscard]] std::optional<Error> error() const;

    /// Lines (calls of write and write_line) dropped so far.
    [[nodiscard]] std::uint64_t dropped() const noexcept;

    /// Writes the last marker and what is left, waiting at most `limit` (kWait: as long as it
    /// takes). True when all is out. Later writes are refused.
    bool close(std::chrono::milliseconds limit = std::chrono::seconds(1));

private:
    struct State;
    explicit LineStream(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

} // namespace tcpledger
