// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/mappings.hpp"

#include "procfs/files.hpp"
#include "procfs/text.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace tcpledger {
namespace {

constexpr std::size_t kMostMapsBytes = 8U << 20U;
constexpr std::size_t kMostStatusBytes = 16U << 10U;

std::optional<std::uint64_t> parse_hex(std::string_view text)
{
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number, 16);
    return error == std::errc{} && stop == end ? std::optional(number) : std::nullopt;
}

/// "7f1e5000-7f1e6000 r-xp 00026000 fe:01 131 /usr/lib/libc.so.6"
std::optional<ExecutableMapping> parse_mapping(std::string_view line)
{
    std::string_view range = procfs::take_word(line);
    const auto start = parse_hex(procfs::take_until(range, '-'));
    const auto end = parse_hex(range);
    const bool executable = procfs::take_word(line).find('x') != std::string_view::npos;
    const auto offset = parse_hex(procfs::take_word(line));
    (void)procfs::take_word(line); // the device
    const auto inode = procfs::parse_number<std::uint64_t>(procfs::take_word(line));
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (!start || !end || !offset || !inode || !executable || *end <= *start ||
        !line.starts_with('/')) {
        return std::nullopt;
    }
    constexpr std::string_view kDeleted = " (deleted)";
    if (line.ends_with(kDeleted)) {
        line.remove_suffix(kDeleted.size());
    }
    return ExecutableMapping{*start, *end, *offset, *inode, std::string(line)};
}

/// Looks before it opens: opening a FIFO waits, opening a device does things. `inode`: 0, or what
/// the file must be.
UniqueFd open_if_regular(const UniqueFd& place, std::uint64_t inode)
{
    struct stat status{};
    if (!place.valid() || ::fstat(place.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
        (inode != 0 && status.st_ino != inode)) {
        return {};
    }
    const std::string again = fmt::format("/proc/self/fd/{}", place.get());
    return UniqueFd(::open(again.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

/// Where its root is, as its mount namespace counts; empty: at the top, or nobody may know.
std::string place_of_root(int process_fd)
{
    std::array<char, 4096> place{};
    const ssize_t size = ::readlinkat(process_fd, "root", place.data(), place.size());
    const std::string text(place.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return text == "/" ? std::string() : text;
}

/// `path` below `root_fd`, whatever symbolic links it has.
UniqueFd find_below(int root_fd, const std::string& path)
{
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    return UniqueFd(
        static_cast<int>(::syscall(SYS_openat2, root_fd, path.c_str(), &how, sizeof(how))));
}

} // namespace

std::vector<ExecutableMapping> parse_mappings(std::string_view text)
{
    std::vector<ExecutableMapping> mappings;
    while (!text.empty()) {
        if (auto mapping = parse_mapping(procfs::take_until(text, '\n'))) {
            mappings.push_back(std::move(*mapping));
        }
    }
    return mappings;
}

Expected<ProcessRoot> ProcessRoot::open(std::uint32_t pid, const std::filesystem::path& proc)
{
    Expected<UniqueFd> process = procfs::open_directory(proc / std::to_string(pid));
    if (!process) {
        return tl::unexpected(process.error());
    }
    UniqueFd root(::openat(process->get(), "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
    std::string place = place_of_root(process->get());
    return ProcessRoot(std::move(*process), std::move(root), std::move(place), pid);
}

Expected<std::vector<ExecutableMapping>> ProcessRoot::mappings() const
{
    const Expected<std::string> text = procfs::read_file_at(process_.get(), "maps", kMostMapsBytes);
    if (!text) {
        return tl::unexpected(text.error());
    }
    std::vector<ExecutableMapping> mappings = parse_mappings(*text);
    for (ExecutableMapping& mapping : mappings) {
        if (!place_.empty() &&
            mapping.path.starts_with(place_ + "/")) { // chroot(): the kernel tells it from outside
            mapping.path.erase(0, place_.size());
        }
    }
    return mappings;
}

UniqueFd ProcessRoot::open_mapped(const ExecutableMapping& mapping) const
{
    const std::string link = fmt::format("map_files/{:x}-{:x}", mapping.start, mapping.end);
    const UniqueFd mapped(::openat(process_.get(), link.c_str(), O_PATH | O_CLOEXEC));
    if (mapped.valid()) {
        return open_if_regular(mapped, 0);
    }
    return open_if_regular(find_below(root_.get(), mapping.path), mapping.inode);
}

FileIdentity ProcessRoot::program() const
{
    struct stat status{};
    if (::fstatat(process_.get(), "exe", &status, 0) != 0) {
        return {};
    }
    return {status.st_dev, status.st_ino};
}

UniqueFd ProcessRoot::open_file(const std::string& path) const
{
    return open_if_regular(find_below(root_.get(), path), 0);
}

std::uint32_t ProcessRoot::inner_pid() const
{
    const Expected<std::string> text =
        procfs::read_file_at(process_.get(), "status", kMostStatusBytes);
    constexpr std::string_view kKey = "\nNSpid:";
    const std::size_t at = text ? text->find(kKey) : std::string::npos;
    if (at == std::string::npos) {
        return pid_;
    }
    std::string_view rest = std::string_view(*text).substr(at + kKey.size());
    std::string_view line = procfs::take_until(rest, '\n');
    std::uint32_t innermost = pid_;
    while (const auto pid = procfs::parse_number<std::uint32_t>(procfs::take_word(line))) {
        innermost = *pid;
    }
    return innermost;
}

UniqueFd open_regular_file(const std::string& path)
{
    return open_if_regular(UniqueFd(::open(path.c_str(), O_PATH | O_CLOEXEC)), 0);
}

} // namespace tcpledger
