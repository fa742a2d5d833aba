// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace tcpledger::procfs {
namespace {

tl::unexpected<Error> failed(const char* verb, const char* name)
{
    return tl::unexpected(Error::from_errno(std::string("cannot ") + verb + " " + name));
}

} // namespace

Expected<UniqueFd> open_directory(const std::filesystem::path& path)
{
    return open_directory_at(AT_FDCWD, path.c_str());
}

Expected<UniqueFd> open_directory_at(int directory_fd, const char* name)
{
    UniqueFd fd(::openat(directory_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid()) {
        return failed("open", name);
    }
    return fd;
}

Expected<std::string> read_file_at(int directory_fd, const char* name, std::size_t limit_bytes)
{
    const UniqueFd fd(::openat(directory_fd, name, O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) {
        return failed("open", name);
    }
    std::string text;
    std::array<char, 4096> buffer;
    while (text.size() < limit_bytes) {
        const std::size_t wanted = std::min(buffer.size(), limit_bytes - text.size());
        const ssize_t got = ::read(fd.get(), buffer.data(), wanted);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return failed("read", name);
        }
        if (got == 0) {
            break;
        }
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
}

Expected<std::string> read_file(const std::filesystem::path& path, std::size_t limit_bytes)
{
    return read_file_at(AT_FDCWD, path.c_str(), limit_bytes);
}

Expected<DirectoryWalk> DirectoryWalk::open(int directory_fd, const char* name)
{
    const int fd = ::openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return failed("open", name);
    }
    DIR* const stream = ::fdopendir(fd);
    if (stream == nullptr) {
        UniqueFd closes(fd);
        return failed("list", name);
    }
    return DirectoryWalk(stream);
}

const char* DirectoryWalk::next() noexcept
{
    while (const dirent* const entry = ::readdir(stream_.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") {
            return entry->d_name;
        }
    }
    return nullptr;
}

} // namespace tcpledger::procfs
