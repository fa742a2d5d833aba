// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/fd_sink.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

namespace tcpledger {
namespace {

constexpr std::size_t kFilePieceBytes = 256 * 1024;
constexpr int kLookUpMs = 50; ///< how late an abandoned wait is noticed

bool is_pipe(int fd)
{
    struct stat status{};
    return ::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

/// The descriptor is in non-blocking mode (somebody else set that) and full.
void wait_writable(int fd)
{
    pollfd waited{.fd = fd, .events = POLLOUT, .revents = 0};
    ::poll(&waited, 1, kLookUpMs);
}

} // namespace

FdSink::FdSink(int fd) noexcept : fd_(fd), piece_bytes_(is_pipe(fd) ? PIPE_BUF : kFilePieceBytes) {}

std::size_t FdSink::piece_of(std::string_view bytes) const noexcept
{
    if (bytes.size() <= piece_bytes_) {
        return bytes.size();
    }
    const std::size_t last_end = bytes.substr(0, piece_bytes_).rfind('\n');
    return last_end == std::string_view::npos ? piece_bytes_ : last_end + 1;
}

int FdSink::write_all(std::string_view bytes, const std::atomic<bool>& abandoned,
                      const std::function<void(std::size_t)>& written) const
{
    while (!bytes.empty()) {
        if (abandoned.load(std::memory_order_relaxed)) {
            return ECANCELED;
        }
        const ssize_t done = ::write(fd_, bytes.data(), piece_of(bytes));
        if (done >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(done));
            written(static_cast<std::size_t>(done));
        } else if (errno == EAGAIN) {
            wait_writable(fd_);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

bool FdSink::reader_gone() const noexcept
{
    pollfd asked{.fd = fd_, .events = 0, .revents = 0};
    return ::poll(&asked, 1, 0) == 1 && (asked.revents & (POLLERR | POLLHUP)) != 0;
}

} // namespace tcpledger
