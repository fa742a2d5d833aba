// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stacks/helper_process.hpp"

#include "stacks/helper.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <string_view>
#include <vector>

namespace tcpledger {
namespace {

/// What a sanitizer is told; nothing else of our environment is the helper's affair.
std::vector<char*> helper_environment()
{
    std::vector<char*> kept;
    for (char** variable = ::environ; variable != nullptr && *variable != nullptr; ++variable) {
        const std::string_view name(*variable);
        if (name.starts_with("ASAN_OPTIONS=") || name.starts_with("UBSAN_OPTIONS=") ||
            name.starts_with("TSAN_OPTIONS=")) {
            kept.push_back(*variable);
        }
    }
    kept.push_back(nullptr);
    return kept;
}

class SpawnActions {
public:
    SpawnActions()
    {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawnattr_init(&attributes_);
    }
    SpawnActions(const SpawnActions&) = delete;
    SpawnActions& operator=(const SpawnActions&) = delete;
    ~SpawnActions()
    {
        ::posix_spawnattr_destroy(&attributes_);
        ::posix_spawn_file_actions_destroy(&actions_);
    }

    /// In a process group of its own: what the terminal sends to ours is not for it.
    [[nodiscard]] int spawn(pid_t& pid, const char* program, char* const* words, int socket)
    {
        sigset_t none;
        sigemptyset(&none);
        ::posix_spawn_file_actions_adddup2(&actions_, socket, kStackHelperFd);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
        std::vector<char*> environment = helper_environment();
        return ::posix_spawn(&pid, program, &actions_, &attributes_, words, environment.data());
    }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

} // namespace

Expected<HelperProcess> HelperProcess::start()
{
    auto ends = Channel::pair();
    if (!ends) {
        return tl::unexpected(ends.error());
    }
    std::string name = "tcpledger";
    std::string word = kStackHelperWord;
    const std::array<char*, 3> words = {name.data(), word.data(), nullptr};
    pid_t pid = -1;
    const int error = SpawnActions().spawn(pid, "/proc/self/exe", words.data(), ends->second.fd());
    if (error != 0) {
        return tl::unexpected(Error::from_code(error, "cannot start the stack helper"));
    }
    return HelperProcess(std::move(ends->first), pid);
}

HelperProcess& HelperProcess::operator=(HelperProcess&& other) noexcept
{
    if (this != &other) {
        end();
        channel_ = std::move(other.channel_);
        pid_ = std::exchange(other.pid_, -1);
    }
    return *this;
}

void HelperProcess::end() noexcept
{
    if (pid_ <= 0) {
        return;
    }
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
}

bool HelperProcess::tell(const Request& request, std::span<const int> files)
{
    const bool told = pid_ > 0 && channel_.send(encode(request), files, kUnwindPatience);
    if (!told) {
        end();
    }
    return told;
}

std::optional<Answer> HelperProcess::exchange(const Request& request,
                                              std::chrono::milliseconds patience)
{
    if (!tell(request, {})) {
        return std::nullopt;
    }
    const std::optional<Parcel> parcel = channel_.receive(patience);
    std::optional<Answer> answer = parcel ? decode_answer(parcel->bytes) : std::nullopt;
    if (!answer) {
        end();
    }
    return answer;
}

std::optional<Unwound> HelperProcess::ask(const Unwind& request)
{
    auto answer = exchange(request, kUnwindPatience);
    auto* unwound = answer ? std::get_if<Unwound>(&*answer) : nullptr;
    return unwound != nullptr ? std::optional(std::move(*unwound)) : std::nullopt;
}

std::optional<Named> HelperProcess::ask(const Name& request)
{
    auto answer = exchange(request, kNamePatience);
    auto* named = answer ? std::get_if<Named>(&*answer) : nullptr;
    return named != nullptr ? std::optional(std::move(*named)) : std::nullopt;
}

} // namespace tcpledger
