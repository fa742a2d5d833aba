// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/processes.hpp"

#include "procfs/files.hpp"
#include "procfs/process_text.hpp"
#include "procfs/text.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>

namespace tcpledger {
namespace {

using procfs::read_file_at;

constexpr std::size_t kSmallFileBytes = 4096;
constexpr std::size_t kStatusBytes = std::size_t{16} * 1024;
/// One line a hierarchy, of which version 1 has a dozen, with paths of up to PATH_MAX.
constexpr std::size_t kCgroupBytes = std::size_t{64} * 1024;

/// The same error, said with the process's pid.
Error about(std::uint32_t pid, Error error)
{
    error.what += " of process " + std::to_string(pid);
    return error;
}

Error malformed(const char* name)
{
    return Error{ErrorKind::kFailed, EBADMSG, std::string("cannot understand ") + name, {}};
}

template <typename T> Expected<T> or_malformed(std::optional<T> value, const char* name)
{
    if (!value) {
        return tl::unexpected(malformed(name));
    }
    return *std::move(value);
}

// Each takes a descriptor of the directory /proc/PID, which stays that process's for ever.

Expected<ProcessStat> stat_of(int process_fd)
{
    return read_file_at(process_fd, "stat", kSmallFileBytes).and_then([](const std::string& text) {
        return or_malformed(procfs::parse_stat(text), "stat");
    });
}

Expected<std::string> command_line_of(int process_fd)
{
    return read_file_at(process_fd, "cmdline", kSmallFileBytes).map(procfs::join_command_line);
}

Expected<std::string> cgroup_of(int process_fd)
{
    return read_file_at(process_fd, "cgroup", kCgroupBytes).map(procfs::parse_cgroup);
}

Expected<DescriptorLimits> limits_of(int process_fd)
{
    return read_file_at(process_fd, "limits", kSmallFileBytes)
        .and_then([](const std::string& text) {
            return or_malformed(procfs::parse_limits(text), "limits");
        });
}

Expected<std::uint32_t> uid_of(int process_fd)
{
    return read_file_at(process_fd, "status", kStatusBytes).and_then([](const std::string& text) {
        return or_malformed(procfs::parse_real_uid(text), "status");
    });
}

/// The size that procfs gives to the directory fd (proc_fd_getattr, Linux 6.2), or nothing.
std::optional<std::uint64_t> count_by_size(int process_fd)
{
    struct statfs filesystem = {};
    struct stat directory = {};
    if (::fstatfs(process_fd, &filesystem) != 0 || filesystem.f_type != PROC_SUPER_MAGIC ||
        ::fstatat(process_fd, "fd", &directory, 0) != 0 || directory.st_size <= 0) {
        return std::nullopt;
    }
    return static_cast<std::uint64_t>(directory.st_size);
}

Expected<std::uint64_t> descriptor_count_of(int process_fd)
{
    if (const auto count = count_by_size(process_fd)) {
        return *count;
    }
    return procfs::DirectoryWalk::open(process_fd, "fd").map([](procfs::DirectoryWalk walk) {
        std::uint64_t count = 0;
        while (walk.next() != nullptr) {
            ++count;
        }
        return count;
    });
}

/// Opens /proc/PID and asks it by `read`.
template <typename Read>
auto ask(const std::filesystem::path& root, std::uint32_t pid, const Read& read)
    -> decltype(read(0))
{
    return procfs::open_directory(root / std::to_string(pid))
        .and_then([&](const UniqueFd& fd) { return read(fd.get()); })
        .map_error([&](Error error) { return about(pid, std::move(error)); });
}

/// Moves a known value to where it belongs; says whether it is missing.
template <typename T, typename Destination> bool keep(Expected<T> value, Destination& destination)
{
    if (value) {
        destination = *std::move(value);
        return false;
    }
    return true;
}

Expected<ProcessDetails> details_of(int process_fd)
{
    const auto stat = stat_of(process_fd);
    if (!stat) {
        return tl::unexpected(stat.error());
    }
    ProcessDetails details;
    details.pid = stat->pid;
    details.parent_pid = stat->parent_pid;
    details.start_ticks = stat->start_ticks;
    details.comm = stat->comm;
    details.zombie = stat->zombie();

    std::optional<DescriptorLimits> limits;
    bool missing = keep(command_line_of(process_fd), details.command_line);
    missing |= keep(cgroup_of(process_fd), details.cgroup_path);
    missing |= keep(uid_of(process_fd), details.uid);
    missing |= keep(descriptor_count_of(process_fd), details.fds_used);
    missing |= keep(limits_of(process_fd), limits);
    // Missing means a process that ends (the limits of one that is just being reaped read as an
    // empty file), a kernel without that file, or no permission: stat tells which.
    if (missing) {
        const auto again = stat_of(process_fd);
        if (!again) {
            return tl::unexpected(again.error());
        }
    }
    if (limits) {
        details.fd_limit_soft = limits->soft;
        details.fd_limit_hard = limits->hard;
    }
    details.container = container_of_cgroup(details.cgroup_path).value_or("");
    return details;
}

} // namespace

bool is_gone(const Error& error) noexcept
{
    return error.error_number == ENOENT || error.error_number == ESRCH;
}

Expected<ProcessDetails> ProcFs::process(std::uint32_t pid) const
{
    return ask(root_, pid, details_of);
}

Expected<ProcessStat> ProcFs::stat(std::uint32_t pid) const
{
    return ask(root_, pid, stat_of);
}

Expected<std::string> ProcFs::command_line(std::uint32_t pid) const
{
    return ask(root_, pid, command_line_of);
}

Expected<std::string> ProcFs::cgroup(std::uint32_t pid) const
{
    return ask(root_, pid, cgroup_of);
}

Expected<DescriptorLimits> ProcFs::limits(std::uint32_t pid) const
{
    return ask(root_, pid, limits_of);
}

Expected<std::uint64_t> ProcFs::descriptor_count(std::uint32_t pid) const
{
    return ask(root_, pid, descriptor_count_of);
}

Expected<std::uint32_t> ProcFs::uid(std::uint32_t pid) const
{
    return ask(root_, pid, uid_of);
}

Expected<std::vector<std::uint32_t>> ProcFs::pids() const
{
    return procfs::DirectoryWalk::open(AT_FDCWD, root_.c_str()).map([](procfs::DirectoryWalk walk) {
        std::vector<std::uint32_t> pids;
        while (const char* const name = walk.next()) {
            if (const auto pid = procfs::parse_number<std::uint32_t>(name)) {
                pids.push_back(*pid);
            }
        }
        return pids;
    });
}

} // namespace tcpledger
