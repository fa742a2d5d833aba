// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/socket_links.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string_view>

namespace tcpledger {
namespace {

namespace fs = std::filesystem;

std::optional<std::uint64_t> whole_number(std::string_view text)
{
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(number)
                                                                    : std::nullopt;
}

/// Calls visit(path, number) for each entry of `folder` whose name is a number. False: it could
/// not be listed, and errno says why.
template <typename Visit> bool each_numbered(const fs::path& folder, Visit&& visit)
{
    std::error_code error;
    fs::directory_iterator entry(folder, error);
    if (error) {
        errno = error.value();
        return false;
    }
    while (entry != fs::directory_iterator()) {
        if (const auto number = whole_number(entry->path().filename().native())) {
            visit(entry->path(), *number);
        }
        entry.increment(error);
        if (error) {
            break; // it ended while we read
        }
    }
    return true;
}

/// The inode numbers of the sockets among the descriptors in `folder`.
bool read_inodes(const fs::path& folder, std::vector<std::uint64_t>& inodes)
{
    return each_numbered(folder, [&](const fs::path& link, std::uint64_t) {
        char target[64];
        const ssize_t size = ::readlink(link.c_str(), target, sizeof(target));
        std::string_view text(target, size > 0 ? static_cast<std::size_t>(size) : 0);
        if (!text.starts_with("socket:[") || !text.ends_with("]")) {
            return;
        }
        text = text.substr(8, text.size() - 9);
        if (const auto inode = whole_number(text)) {
            inodes.push_back(*inode);
        }
    });
}

/// From /proc/PID/stat: field 2, in the outermost parentheses, and field 22.
std::optional<LinkingProcess> identify(const fs::path& folder, std::uint64_t pid)
{
    std::ifstream file(folder / "stat", std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const std::size_t open = text.find('(');
    const std::size_t close = text.rfind(')');
    if (open == std::string::npos || close == std::string::npos || close < open) {
        return std::nullopt;
    }
    std::istringstream rest(text.substr(close + 1));
    std::vector<std::string> fields(std::istream_iterator<std::string>(rest), {});
    const auto start = fields.size() > 19 ? whole_number(fields[19]) : std::nullopt;
    if (!start) {
        return std::nullopt;
    }
    return LinkingProcess{static_cast<std::uint32_t>(pid), *start,
                          text.substr(open + 1, close - open - 1)};
}

/// Threads share their process's descriptors, as a rule; the leader may have none left, or a
/// thread may have some of its own.
bool read_process(const fs::path& folder, std::uint64_t pid, std::vector<std::uint64_t>& inodes)
{
    const bool readable = read_inodes(folder / "fd", inodes);
    const bool denied = !readable && (errno == EACCES || errno == EPERM);
    if (inodes.empty() && !denied) {
        each_numbered(folder / "task", [&](const fs::path& thread, std::uint64_t tid) {
            if (tid != pid && inodes.empty()) {
                (void)read_inodes(thread / "fd", inodes);
            }
        });
    }
    std::ranges::sort(inodes);
    const auto again = std::ranges::unique(inodes);
    inodes.erase(again.begin(), again.end());
    return !denied;
}

void add_namespace(const fs::path& path, std::map<std::uint32_t, UniqueFd>& found)
{
    struct stat status = {};
    if (::stat(path.c_str(), &status) != 0 ||
        found.contains(static_cast<std::uint32_t>(status.st_ino))) {
        return;
    }
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct statfs filesystem = {};
    if (fd.valid() && ::fstatfs(fd.get(), &filesystem) == 0 && filesystem.f_type == NSFS_MAGIC &&
        ::fstat(fd.get(), &status) == 0) {
        found.emplace(static_cast<std::uint32_t>(status.st_ino), std::move(fd));
    }
}

} // namespace

Expected<SocketLinks> read_socket_links(const fs::path& proc_root)
{
    SocketLinks links;
    std::vector<std::uint64_t> inodes;
    const bool read = each_numbered(proc_root, [&](const fs::path& folder, std::uint64_t pid) {
        inodes.clear();
        links.denied += read_process(folder, pid, inodes) ? 0U : 1U;
        const auto process = inodes.empty() ? std::nullopt : identify(folder, pid);
        if (!process) {
            return;
        }
        const auto index = static_cast<std::uint32_t>(links.processes.size());
        links.processes.push_back(*process);
        for (const std::uint64_t inode : inodes) {
            links.holders[inode].push_back(index);
        }
    });
    if (!read) {
        return tl::unexpected(Error::from_errno("cannot list " + proc_root.string()));
    }
    return links;
}

std::map<std::uint32_t, UniqueFd> open_namespaces(const fs::path& proc_root,
                                                  const fs::path& run_netns)
{
    std::map<std::uint32_t, UniqueFd> found;
    each_numbered(proc_root, [&](const fs::path& folder, std::uint64_t) {
        add_namespace(folder / "ns/net", found);
    });
    std::error_code error;
    for (fs::directory_iterator entry(run_netns, error);
         !error && entry != fs::directory_iterator(); entry.increment(error)) {
        add_namespace(entry->path(), found);
    }
    return found;
}

} // namespace tcpledger
