// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stacks/channel.hpp"

#include "stacks/messages.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace tcpledger {
namespace {

/// Until the socket can be written or read.
bool wait_for(int fd, short events, std::chrono::milliseconds patience)
{
    pollfd one{fd, events, 0};
    int ready = 0;
    do {
        ready = ::poll(&one, 1, static_cast<int>(patience.count()));
    } while (ready < 0 && errno == EINTR);
    return ready > 0 && (one.revents & events) != 0;
}

constexpr std::size_t kControlBytes = CMSG_SPACE(kMostFiles * sizeof(int));
using ControlBuffer = std::array<std::byte, kControlBytes>;

void attach_files(msghdr& message, ControlBuffer& buffer, std::span<const int> files)
{
    message.msg_control = buffer.data();
    message.msg_controllen = CMSG_SPACE(files.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(files.size_bytes());
    std::memcpy(CMSG_DATA(header), files.data(), files.size_bytes());
}

std::vector<UniqueFd> detach_files(msghdr& message)
{
    std::vector<UniqueFd> files;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t at = 0; at < count; ++at) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(header) + at * sizeof(int), sizeof(int));
            files.emplace_back(fd);
        }
    }
    return files;
}

} // namespace

Expected<std::pair<Channel, Channel>> Channel::pair()
{
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return tl::unexpected(Error::from_errno("cannot make a pair of sockets"));
    }
    std::pair both{Channel(UniqueFd(ends[0])), Channel(UniqueFd(ends[1]))};
    for (const int end : ends) {
        const int size = static_cast<int>(2 * kMostMessageBytes);
        (void)::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    }
    return both;
}

bool Channel::send(std::span<const std::byte> bytes, std::span<const int> files,
                   std::chrono::milliseconds patience) const
{
    if (bytes.empty() || bytes.size() > kMostMessageBytes || files.size() > kMostFiles ||
        !wait_for(fd(), POLLOUT, patience)) {
        return false;
    }
    iovec content{const_cast<std::byte*>(bytes.data()), bytes.size()};
    alignas(cmsghdr) ControlBuffer control{};
    msghdr message{};
    message.msg_iov = &content;
    message.msg_iovlen = 1;
    if (!files.empty()) {
        attach_files(message, control, files);
    }
    return ::sendmsg(fd(), &message, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

std::optional<Parcel> Channel::receive(std::chrono::milliseconds patience) const
{
    if (!wait_for(fd(), POLLIN, patience)) {
        return std::nullopt;
    }
    Parcel parcel;
    parcel.bytes.resize(kMostMessageBytes);
    iovec content{parcel.bytes.data(), parcel.bytes.size()};
    alignas(cmsghdr) ControlBuffer control{};
    msghdr message{};
    message.msg_iov = &content;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(fd(), &message, MSG_CMSG_CLOEXEC);
    if (size <= 0) {
        return std::nullopt;
    }
    parcel.files = detach_files(message);
    parcel.bytes.resize(static_cast<std::size_t>(size));
    return parcel;
}

} // namespace tcpledger
