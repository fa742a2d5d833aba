// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A socket between two processes that carries whole messages, and files with them.
#pragma once

#include "base/error.hpp"
#include "base/unique_fd.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace tcpledger {

struct Parcel {
    std::vector<std::byte> bytes;
    std::vector<UniqueFd> files;
};

class Channel {
public:
    explicit Channel(UniqueFd socket) : socket_(std::move(socket)) {}

    /// The two ends, closed on exec.
    [[nodiscard]] static Expected<std::pair<Channel, Channel>> pair();

    [[nodiscard]] int fd() const { return socket_.get(); }

    /// At most kMostMessageBytes and kMostFiles. False: the other end is gone, or did not take it
    /// within `patience`.
    [[nodiscard]] bool send(std::span<const std::byte> bytes, std::span<const int> files,
                            std::chrono::milliseconds patience) const;
    /// Nothing: the other end is gone, or said nothing for so long. Negative: waits without end.
    [[nodiscard]] std::optional<Parcel> receive(std::chrono::milliseconds patience) const;

private:
    UniqueFd socket_;
};

} // namespace tcpledger
