// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/cgroups.hpp"

#include "procfs/files.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <sstream>

namespace tcpledger {
namespace {

constexpr std::size_t kMaxMountsBytes = std::size_t{1} << 20;
/// FILEID_KERNFS: a file handle that is the 64-bit id alone (since 5.5).
constexpr int kKernfsHandle = 0xfe;

/// Room for a handle with the id behind it; the kernel's struct ends in a flexible array.
struct alignas(file_handle) HandleBytes {
    std::array<unsigned char, sizeof(file_handle) + sizeof(std::uint64_t)> bytes{};
    [[nodiscard]] file_handle* get() { return reinterpret_cast<file_handle*>(bytes.data()); }
};

std::optional<std::uint64_t> id_of_directory(const std::string& path)
{
    struct statfs filesystem{};
    struct stat status{};
    if (::statfs(path.c_str(), &filesystem) != 0 || filesystem.f_type != CGROUP2_SUPER_MAGIC ||
        ::stat(path.c_str(), &status) != 0) {
        return std::nullopt;
    }
    return status.st_ino; // kernfs numbers its files by the id
}

} // namespace

CgroupTree CgroupTree::open(const std::filesystem::path& mounts)
{
    CgroupTree tree;
    const Expected<std::string> text = procfs::read_file(mounts, kMaxMountsBytes);
    std::istringstream lines(text ? *text : std::string());
    std::string device;
    std::string directory;
    std::string type;
    std::string rest;
    while (lines >> device >> directory >> type && std::getline(lines, rest)) {
        if (type == "cgroup2") {
            tree.root_ = directory;
            tree.root_fd_ = UniqueFd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
            break;
        }
    }
    return tree;
}

std::optional<std::uint64_t> CgroupTree::id_of(std::string_view path) const
{
    const std::string given(path);
    if (const auto id = id_of_directory(given)) {
        return id;
    }
    return root_.empty() ? std::nullopt : id_of_directory(root_ + "/" + given);
}

const std::optional<std::string>& CgroupTree::path_of(std::uint64_t id)
{
    const auto known = paths_.find(id);
    return known != paths_.end() ? known->second : paths_.emplace(id, look_up(id)).first->second;
}

std::optional<std::string> CgroupTree::look_up(std::uint64_t id) const
{
    if (!root_fd_.valid()) {
        return std::nullopt;
    }
    HandleBytes handle;
    handle.get()->handle_bytes = sizeof(id);
    handle.get()->handle_type = kKernfsHandle;
    std::memcpy(handle.bytes.data() + sizeof(file_handle), &id, sizeof(id));
    const UniqueFd fd(::open_by_handle_at(root_fd_.get(), handle.get(), O_PATH | O_CLOEXEC));
    if (!fd.valid()) {
        return std::nullopt;
    }
    std::array<char, 4096> target{};
    const std::string link = "/proc/self/fd/" + std::to_string(fd.get());
    const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
    const std::string_view path(target.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    if (!path.starts_with(root_)) {
        return std::nullopt;
    }
    return path.size() == root_.size() ? "/" : std::string(path.substr(root_.size()));
}

} // namespace tcpledger
