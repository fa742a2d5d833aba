// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A process that does what it is told: each end of a connection is played by one
// of its own, so that owners can be told apart. Work is a captureless or plainly
// copyable lambda, sent over a socket pair and called in the other process,
// which shares our image because it was forked and never runs another program.
// Knows nothing of TCP.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <string>
#include <type_traits>

namespace scenario {

class Actor {
public:
    static constexpr std::size_t kMaxBytes = 512;

    /// Forks the process; its comm is `comm`. It dies with the process that started it.
    explicit Actor(std::string comm);
    ~Actor();
    Actor(const Actor&) = delete;
    Actor& operator=(const Actor&) = delete;
    Actor(Actor&&) = delete;
    Actor& operator=(Actor&&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] const std::string& comm() const { return comm_; }

    /// Calls `work` in the process and returns what it returned.
    template <class Work> auto run(Work work)
    {
        begin(work);
        return finish<std::invoke_result_t<Work>>();
    }

    /// The first half of run(), for work that blocks.
    template <class Work> void begin(Work work)
    {
        static_assert(std::is_trivially_copyable_v<Work> && sizeof(Work) <= kMaxBytes);
        Message message{};
        message.call = &call<Work>;
        std::memcpy(message.bytes.data(), &work, sizeof(Work));
        send(message);
    }

    /// The second half: waits for the result of begin().
    template <class Result> Result finish()
    {
        static_assert(std::is_trivially_copyable_v<Result> && sizeof(Result) <= kMaxBytes);
        const Message message = receive();
        Result result{};
        std::memcpy(&result, message.bytes.data(), sizeof(Result));
        return result;
    }

    /// Ends the process, its descriptors closed by exit; returns when it is gone.
    void stop();
    /// The same by SIGKILL.
    void kill();

private:
    struct Message {
        void (*call)(const void* work, void* result) = nullptr; ///< null: exit
        std::array<std::byte, kMaxBytes> bytes{};
    };

    template <class Work> static void call(const void* work, void* result)
    {
        const auto value = (*static_cast<const Work*>(work))();
        std::memcpy(result, &value, sizeof(value));
    }

    [[noreturn]] static void obey(int channel);
    void send(const Message& message) const;
    [[nodiscard]] Message receive() const;
    void reap();

    std::string comm_;
    pid_t pid_ = -1;
    int channel_ = -1;
};

} // namespace scenario
