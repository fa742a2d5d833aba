// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The stack helper as its owner sees it: started, told, asked, and ended when it does not answer.
#pragma once

#include "base/error.hpp"
#include "stacks/channel.hpp"
#include "stacks/messages.hpp"

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <span>
#include <utility>

namespace tcpledger {

class HelperProcess {
public:
    /// Runs this very program as the helper.
    [[nodiscard]] static Expected<HelperProcess> start();
    HelperProcess(HelperProcess&& other) noexcept
        : channel_(std::move(other.channel_)), pid_(std::exchange(other.pid_, -1))
    {
    }
    HelperProcess& operator=(HelperProcess&& other) noexcept;
    ~HelperProcess() { end(); }

    /// False: it does not live any more.
    [[nodiscard]] bool tell(const Request& request, std::span<const int> files);
    /// Nothing: it has died over it, or would not come to an end; it is no more then.
    [[nodiscard]] std::optional<Unwound> ask(const Unwind& request);
    [[nodiscard]] std::optional<Named> ask(const Name& request);

private:
    /// A stack is unwound in some 0.1 ms; the debug information of a large program takes a second
    /// to read.
    static constexpr std::chrono::milliseconds kUnwindPatience{2'000};
    static constexpr std::chrono::milliseconds kNamePatience{10'000};

    HelperProcess(Channel channel, pid_t pid) : channel_(std::move(channel)), pid_(pid) {}
    [[nodiscard]] std::optional<Answer> exchange(const Request& request,
                                                 std::chrono::milliseconds patience);
    void end() noexcept;

    Channel channel_;
    pid_t pid_;
};

} // namespace tcpledger
