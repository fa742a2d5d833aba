// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "netlink/sock_diag.hpp"

#include "netlink/diag_request.hpp"
#include "netlink/dump_retry.hpp"
#include "netlink/namespaces.hpp"

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <utility>

namespace tcpledger {
namespace {

/// The kernel fills at most 32 KiB for one recv(); twice that is never too small.
constexpr std::size_t kBufferBytes = 64 * 1024;
/// A dump's next part is there at once; silence this long means that it will never come.
constexpr timeval kAnswerTimeout = {.tv_sec = 10, .tv_usec = 0};

/// One request's answer or several requests' together.
void merge(ParseResult& all, const ParseResult& part)
{
    all.done = part.done;
    all.interrupted |= part.interrupted;
    all.truncated |= part.truncated;
    all.error_number = all.error_number != 0 ? all.error_number : part.error_number;
    all.foreign += part.foreign;
    all.malformed += part.malformed;
    all.unknown += part.unknown;
}

/// Whether a request for one socket has got what it will get: no NLMSG_DONE follows.
bool is_answer(const ParseResult& result, bool has_row)
{
    return has_row || has_holes(result) || result.unknown != 0;
}

} // namespace

void SockDiag::CloseSocket::operator()(mnl_socket* socket) const noexcept
{
    ::mnl_socket_close(socket);
}

SockDiag::SockDiag(Socket socket, std::uint32_t netns_inum)
    : socket_(std::move(socket)), netns_inum_(netns_inum), buffer_(kBufferBytes)
{
}

Expected<SockDiag::Socket> SockDiag::open_socket()
{
    Socket socket(::mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC));
    if (!socket || ::mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) != 0 ||
        ::setsockopt(::mnl_socket_get_fd(socket.get()), SOL_SOCKET, SO_RCVTIMEO, &kAnswerTimeout,
                     sizeof(kAnswerTimeout)) != 0) {
        Error error = Error::from_errno("cannot open a sock_diag netlink socket");
        if (error.error_number == EPROTONOSUPPORT) {
            error.kind = ErrorKind::kUnsupported;
        }
        return tl::unexpected(std::move(error));
    }
    return socket;
}

Expected<SockDiag> SockDiag::open(int netns_fd, std::uint32_t netns_inum)
{
    return run_in_namespace(netns_fd, &SockDiag::open_socket).map([&](Socket&& socket) {
        return SockDiag(std::move(socket), netns_inum);
    });
}

Expected<ParseResult> SockDiag::ask(std::span<const std::byte> message, const ParseContext& context,
                                    bool is_dump, RowSink sink)
{
    if (::mnl_socket_sendto(socket_.get(), message.data(), message.size()) < 0) {
        return tl::unexpected(Error::from_errno("cannot ask for sockets"));
    }
    ParseResult all;
    const std::size_t rows_before = sink.rows.size();
    // Whatever goes wrong on the way, the answer is read to its end: a socket with
    // an unfinished dump refuses the next one.
    while (!all.done) {
        const ssize_t length = ::mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
        if (length < 0) {
            if (errno == ENOBUFS || errno == ENOSPC) { // ENOSPC: libmnl's word for MSG_TRUNC
                all.interrupted = true;
            } else if (errno != EINTR) {
                return tl::unexpected(Error::from_errno("cannot read the list of sockets"));
            }
            continue;
        }
        const std::span received(buffer_.data(), static_cast<std::size_t>(length));
        const ParseResult part = parse_rows(received, context, sink);
        merge(all, part);
        all.done |= !is_dump && is_answer(part, sink.rows.size() != rows_before);
    }
    return all;
}

Expected<ParseResult> SockDiag::dump_once(const DumpRequest& request, RowSink sink)
{
    ParseResult all;
    for (const std::uint8_t family : requested_families(request)) {
        const ParseContext context{netns_inum_, ++sequence_, request.protocol};
        const auto message =
            encode_dump(request, family, context.sequence, sink.details != nullptr);
        const Expected<ParseResult> part = ask(message, context, true, sink);
        if (!part) {
            return part;
        }
        merge(all, *part);
        if (part->error_number != 0) {
            break;
        }
    }
    return all;
}

Expected<DumpResult> SockDiag::dump(const DumpRequest& request, std::vector<SocketRow>& rows,
                                    std::vector<SocketDetails>* details)
{
    return retry_dump({rows, details}, request.protocol,
                      [&](RowSink sink) { return dump_once(request, sink); });
}

Expected<std::optional<SocketRow>> SockDiag::lookup(const FourTuple& tuple, std::uint8_t family,
                                                    std::uint64_t cookie,
                                                    std::uint32_t interface_index)
{
    const ParseContext context{netns_inum_, ++sequence_, IPPROTO_TCP};
    const auto message = encode_lookup(tuple, family, cookie, interface_index, context.sequence);
    std::vector<SocketRow> rows;
    const Expected<ParseResult> result = ask(message, context, false, {rows});
    if (!result) {
        return tl::unexpected(result.error());
    }
    const int error_number = result->error_number;
    if (error_number != 0 && error_number != ENOENT && error_number != ESTALE) {
        return tl::unexpected(Error::from_code(error_number, "cannot look up a socket"));
    }
    // Where there is no such connection, the kernel offers the listener in its place.
    FourTuple wanted = tuple;
    wanted.netns_inum = netns_inum_;
    if (rows.empty() || rows.front().tuple != wanted) {
        return std::nullopt;
    }
    return rows.front();
}

} // namespace tcpledger
