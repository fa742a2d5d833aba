// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/debug_files.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <set>
#include <string_view>

namespace tcpledger {
namespace {

constexpr std::size_t kLeastBuildIdDigits = 4;

bool is_build_id(const std::string& text)
{
    return text.size() >= kLeastBuildIdDigits &&
           text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

std::string base_name(std::string_view path)
{
    const std::size_t slash = path.rfind('/');
    return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

/// What a command prints within `patience`; one that takes longer is ended.
std::string output_of(const std::vector<std::string>& words, std::chrono::milliseconds patience)
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return {};
    }
    const UniqueFd output(ends[0]);
    UniqueFd input(ends[1]);
    posix_spawn_file_actions_t actions{};
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, input.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    std::vector<char*> arguments;
    for (const std::string& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    pid_t pid = -1;
    const int error =
        ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), ::environ);
    ::posix_spawn_file_actions_destroy(&actions);
    input.reset();
    std::string text;
    if (error != 0) {
        return text;
    }
    const auto end = std::chrono::steady_clock::now() + patience;
    std::array<char, 4096> part{};
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            end - std::chrono::steady_clock::now());
        pollfd one{output.get(), POLLIN, 0};
        if (left.count() <= 0 || ::poll(&one, 1, static_cast<int>(left.count())) <= 0) {
            ::kill(pid, SIGKILL);
            break;
        }
        const ssize_t size = ::read(output.get(), part.data(), part.size());
        if (size <= 0 || text.size() > part.size()) {
            break;
        }
        text.append(part.data(), static_cast<std::size_t>(size));
    }
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return text;
}

/// By debuginfod-find(1), which knows the servers, the cache and how long to wait.
UniqueFd ask_debuginfod(const std::string& build_id)
{
    constexpr std::chrono::seconds kPatience{90};
    const std::string path = output_of({"debuginfod-find", "debuginfo", build_id}, kPatience);
    return open_regular_file(path.substr(0, path.find('\n')));
}

std::string hint_for_compiled_code(const std::string& program, std::uint32_t pid)
{
    if (program.starts_with("node")) {
        return "names of JavaScript functions: run node with --perf-basic-prof "
               "--interpreted-frames-native-stack";
    }
    if (program == "java") {
        return fmt::format("names of Java methods: run java with -XX:+PreserveFramePointer, then "
                           "jcmd {} Compiler.perfmap",
                           pid);
    }
    return fmt::format("names of code that {} compiles itself: it must write /tmp/perf-{}.map",
                       program, pid);
}

} // namespace

std::vector<std::string> debug_file_paths(const std::string& program_file,
                                          const WantedDebugFile& wanted)
{
    std::vector<std::string> paths;
    if (is_build_id(wanted.build_id)) {
        paths.push_back(fmt::format("/usr/lib/debug/.build-id/{}/{}.debug",
                                    wanted.build_id.substr(0, 2), wanted.build_id.substr(2)));
    }
    const std::size_t slash = program_file.rfind('/');
    const std::string& link = wanted.debug_link;
    if (!link.empty() && link.find('/') == std::string::npos && slash != std::string::npos) {
        const std::string folder = program_file.substr(0, slash + 1);
        paths.push_back(folder + link);
        paths.push_back(folder + ".debug/" + link);
        paths.push_back("/usr/lib/debug" + folder + link);
    }
    return paths;
}

UniqueFd find_debug_file(const ProcessRoot& root, const std::string& program_file,
                         const WantedDebugFile& wanted, bool debuginfod)
{
    const std::vector<std::string> paths = debug_file_paths(program_file, wanted);
    for (const std::string& path : paths) {
        if (UniqueFd file = root.open_file(path); file.valid()) {
            return file;
        }
    }
    for (const std::string& path : paths) {
        if (UniqueFd file = open_regular_file(path); file.valid()) {
            return file;
        }
    }
    return debuginfod && is_build_id(wanted.build_id) ? ask_debuginfod(wanted.build_id)
                                                      : UniqueFd();
}

std::vector<std::string> naming_hints(const Named& named, std::span<const MappedFile> mapped,
                                      std::uint32_t pid)
{
    std::vector<std::string> hints;
    std::set<std::string> nameless;
    for (const StackFrame& frame : named.frames) {
        if (frame.function.empty() && !frame.module.empty()) {
            nameless.insert(frame.module);
        }
    }
    for (const WantedDebugFile& wanted : named.wanted) {
        if (wanted.mapped >= mapped.size() || !nameless.contains(mapped[wanted.mapped].path)) {
            continue;
        }
        const std::string file = base_name(mapped[wanted.mapped].path);
        hints.push_back(
            is_build_id(wanted.build_id)
                ? fmt::format("names in {}: its debug file, build-id {} (Debian: "
                              "find-dbgsym-packages {} names the package; or --debuginfod)",
                              file, wanted.build_id, pid)
                : fmt::format("names in {}: link it with --build-id and keep its debug file, or do "
                              "not strip it",
                              file));
    }
    // An interpreter's frames stand for functions that only the program itself can name.
    const bool interpreted = std::ranges::any_of(named.frames, [](const StackFrame& frame) {
        return frame.function == "Builtins_InterpreterEntryTrampoline";
    });
    if ((named.wants_perf_map || interpreted) && !mapped.empty()) {
        hints.push_back(hint_for_compiled_code(base_name(mapped.front().path), pid));
    }
    return hints;
}

} // namespace tcpledger
