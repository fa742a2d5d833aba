// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/descriptors.hpp"

#include "procfs/files.hpp"
#include "procfs/process_text.hpp"
#include "procfs/processes.hpp"
#include "procfs/text.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

namespace tcpledger {
namespace {

using procfs::DirectoryWalk;

constexpr std::size_t kStatBytes = 4096;
constexpr std::size_t kStatusBytes = std::size_t{16} * 1024;
/// The kernel's overflow uid: rather that than root where it is not known.
constexpr std::uint32_t kNobody = 65534;

struct SocketFd {
    std::uint32_t fd = 0;
    std::uint64_t inode = 0;
};

/// What one directory of descriptors showed.
struct Listing {
    std::vector<SocketFd> sockets;
    bool any_entry = false;
    int error_number =
        0; ///< why it could not be listed, or a link not be read; 0 if nothing failed
};

/// "socket:[123]" → 123.
std::optional<std::uint64_t> socket_inode(std::string_view link)
{
    constexpr std::string_view kPrefix = "socket:[";
    if (!link.starts_with(kPrefix) || !link.ends_with(']')) {
        return std::nullopt;
    }
    link.remove_prefix(kPrefix.size());
    link.remove_suffix(1);
    return procfs::parse_number<std::uint64_t>(link);
}

/// Lists the descriptor directory `name`. A link that is gone was closed meanwhile.
Listing list_sockets(int directory_fd, const char* name)
{
    Listing listing;
    auto walk = DirectoryWalk::open(directory_fd, name);
    if (!walk) {
        listing.error_number = walk.error().error_number;
        return listing;
    }
    std::array<char, 64> target; // longer links are cut, and no sockets
    while (const char* const entry = walk->next()) {
        listing.any_entry = true;
        const ssize_t length = ::readlinkat(walk->fd(), entry, target.data(), target.size());
        if (length < 0) {
            if (errno == EACCES || errno == EPERM) {
                listing.error_number = errno;
                return listing;
            }
            continue;
        }
        const auto inode = socket_inode({target.data(), static_cast<std::size_t>(length)});
        const auto fd = procfs::parse_number<std::uint32_t>(entry);
        if (inode && fd) {
            listing.sockets.push_back({*fd, *inode});
        }
    }
    return listing;
}

/// The descriptors of a process; when its leader has none left, those of the first thread that has.
Listing list_process(int process_fd)
{
    Listing leader = list_sockets(process_fd, "fd");
    if (leader.any_entry || leader.error_number != 0) {
        return leader;
    }
    auto tasks = DirectoryWalk::open(process_fd, "task");
    if (!tasks) {
        return leader;
    }
    while (const char* const thread = tasks->next()) {
        Listing listing = list_sockets(tasks->fd(), (std::string(thread) + "/fd").c_str());
        if (listing.any_entry) {
            return listing;
        }
    }
    return leader;
}

void scan_process(int process_fd, HolderScan& scan)
{
    const Listing listing = list_process(process_fd);
    if (listing.error_number == EACCES || listing.error_number == EPERM) {
        ++scan.processes_denied;
        return;
    }
    if (listing.error_number != 0) {
        ++scan.processes_gone;
        return;
    }
    if (!listing.sockets.empty()) {
        const auto text = procfs::read_file_at(process_fd, "stat", kStatBytes);
        const auto stat = text ? procfs::parse_stat(*text) : std::nullopt;
        if (!stat) {
            ++scan.processes_gone;
            return;
        }
        const auto status = procfs::read_file_at(process_fd, "status", kStatusBytes);
        const std::uint32_t uid =
            status ? procfs::parse_real_uid(*status).value_or(kNobody) : kNobody;
        for (const SocketFd& socket : listing.sockets) {
            scan.holders.push_back(
                {stat->pid, stat->start_ticks, socket.fd, socket.inode, uid, stat->comm});
        }
    }
    ++scan.processes_scanned;
}

} // namespace

Expected<HolderScan> scan_holders(const std::filesystem::path& root)
{
    auto walk = DirectoryWalk::open(AT_FDCWD, root.c_str());
    if (!walk) {
        return tl::unexpected(std::move(walk).error());
    }
    HolderScan scan;
    while (const char* const name = walk->next()) {
        if (!procfs::parse_number<std::uint32_t>(name)) {
            continue;
        }
        const auto process = procfs::open_directory_at(walk->fd(), name);
        if (process) {
            scan_process(process->get(), scan);
        } else {
            ++scan.processes_gone;
        }
    }
    return scan;
}

} // namespace tcpledger
