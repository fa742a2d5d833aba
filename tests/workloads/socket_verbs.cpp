// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Verbs on one socket.
//
//   listen NAME ADDRESS PORT [backlog=N] [reuseport=1] [v6only=1] [defer=SECONDS]
//   bind NAME ADDRESS PORT                 a socket that is bound and nothing else
//   connect NAME ADDRESS PORT [from=ADDRESS] [port=LOCAL] [nonblock=1]
//   await NAME                             the end of a non-blocking connect
//   accept NAME LISTENER
//   send NAME BYTES · fill NAME            fill: until the kernel takes no more
//   receive NAME BYTES · eof NAME          eof: reads until the peer's end
//   shutdown NAME rd|wr|rdwr · close NAME · reset NAME
//   disconnect NAME · reconnect NAME ADDRESS PORT · listen_again NAME
#include "actor.hpp"
#include "addresses.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace workload {
namespace {

JsonLine describe(const Command& command, const std::string& name, int fd)
{
    JsonLine line(command.verb);
    line.flag("ok", true).number("pid", ::getpid()).text("name", name).number("fd", fd);
    line.number("local_port", port_of(fd, ::getsockname));
    line.number("remote_port", port_of(fd, ::getpeername));
    if (command.option("cookie", 1) != 0) {
        line.number("cookie", cookie_of(fd));
    }
    return line;
}

void set(int fd, int level, int option, int value)
{
    ::setsockopt(fd, level, option, &value, sizeof(value));
}

/// mark= and device=, where given.
void set_binding(int fd, const Command& command)
{
    if (const int mark = command.option("mark", 0)) {
        set(fd, SOL_SOCKET, SO_MARK, mark);
    }
    if (const auto device = command.options.find("device"); device != command.options.end()) {
        const std::string& name = device->second;
        ::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name.c_str(),
                     static_cast<socklen_t>(name.size()));
    }
}

std::optional<JsonLine> do_listen(Actor& actor, const Command& command)
{
    const auto address = make_address(command.arg(1), command.number(2));
    if (!address) {
        return failure(command.verb, "no address");
    }
    const int fd = ::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (command.option("reuseport", 0) != 0) {
        set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    set_binding(fd, command);
    if (address->family() == AF_INET6) {
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY, command.option("v6only", 0));
    }
    if (const int seconds = command.option("defer", 0)) {
        set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, seconds);
    }
    if (::bind(fd, address->get(), address->length) != 0 ||
        ::listen(fd, command.option("backlog", 4096)) != 0) {
        const int error_number = errno;
        ::close(fd);
        return failure(command.verb, error_number);
    }
    actor.add_socket(command.arg(0), fd);
    return describe(command, command.arg(0), fd);
}

std::optional<JsonLine> do_bind(Actor& actor, const Command& command)
{
    const auto address = make_address(command.arg(1), command.number(2));
    if (!address) {
        return failure(command.verb, "no address");
    }
    const int fd = ::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(fd, address->get(), address->length) != 0) {
        const int error_number = errno;
        ::close(fd);
        return failure(command.verb, error_number);
    }
    actor.add_socket(command.arg(0), fd);
    return describe(command, command.arg(0), fd);
}

/// Binds to from= and port=, where given.
bool bind_local(int fd, int family, const Command& command)
{
    const auto from = command.options.find("from");
    if (from == command.options.end() && command.option("port", 0) == 0) {
        return true;
    }
    const std::string any = family == AF_INET ? "0.0.0.0" : "::";
    const auto local =
        make_address(from == command.options.end() ? any : from->second, command.option("port", 0));
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    return local && ::bind(fd, local->get(), local->length) == 0;
}

/// The socket stays in the table when connect() fails: it is open until closed.
std::optional<JsonLine> do_connect(Actor& actor, const Command& command)
{
    const auto address = make_address(command.arg(1), command.number(2));
    if (!address) {
        return failure(command.verb, "no address");
    }
    const int nonblock = command.option("nonblock", 0) != 0 ? SOCK_NONBLOCK : 0;
    const int fd = ::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC | nonblock, 0);
    actor.add_socket(command.arg(0), fd);
    set_binding(fd, command);
    if (!bind_local(fd, address->family(), command)) {
        return failure(command.verb, errno);
    }
    if (::connect(fd, address->get(), address->length) != 0 && errno != EINPROGRESS) {
        return failure(command.verb, errno)
            .number("pid", ::getpid())
            .number("fd", fd)
            .number("cookie", cookie_of(fd));
    }
    return describe(command, command.arg(0), fd);
}

std::optional<JsonLine> do_await(Actor& actor, const Command& command)
{
    const int fd = actor.socket(command.arg(0));
    pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
    ::poll(&waiting, 1, -1);
    int error_number = 0;
    socklen_t length = sizeof(error_number);
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error_number, &length);
    if (error_number != 0) {
        return failure(command.verb, error_number).number("pid", ::getpid());
    }
    return describe(command, command.arg(0), fd);
}

std::optional<JsonLine> do_accept(Actor& actor, const Command& command)
{
    const int fd = ::accept4(actor.socket(command.arg(1)), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {
        return failure(command.verb, errno);
    }
    actor.add_socket(command.arg(0), fd);
    return describe(command, command.arg(0), fd);
}

std::optional<JsonLine> do_send(Actor& actor, const Command& command)
{
    std::size_t left = static_cast<std::size_t>(command.number(1));
    const std::string chunk(65536, 'x');
    std::int64_t sent = 0;
    while (left > 0) {
        const ssize_t wrote = ::send(actor.socket(command.arg(0)), chunk.data(),
                                     std::min(left, chunk.size()), MSG_NOSIGNAL);
        if (wrote < 0) {
            return failure(command.verb, errno);
        }
        sent += wrote;
        left -= static_cast<std::size_t>(wrote);
    }
    return JsonLine(command.verb).flag("ok", true).number("bytes", sent);
}

/// Until neither the peer's receive queue nor our send queue takes another byte.
std::optional<JsonLine> do_fill(Actor& actor, const Command& command)
{
    const int fd = actor.socket(command.arg(0));
    const std::string chunk(65536, 'x');
    std::int64_t sent = 0;
    pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
    while (::poll(&waiting, 1, 300) == 1) {
        const ssize_t wrote = ::send(fd, chunk.data(), chunk.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (wrote < 0 && errno != EAGAIN) {
            return failure(command.verb, errno);
        }
        sent += wrote > 0 ? wrote : 0;
    }
    return JsonLine(command.verb).flag("ok", true).number("bytes", sent);
}

/// Reads `wanted` bytes, or to the end when negative.
std::optional<JsonLine> drain(const Command& command, int fd, std::int64_t wanted)
{
    std::array<char, 65536> chunk{};
    std::int64_t got = 0;
    while (wanted < 0 || got < wanted) {
        const std::size_t room =
            wanted < 0 ? chunk.size()
                       : std::min(chunk.size(), static_cast<std::size_t>(wanted - got));
        const ssize_t here = ::recv(fd, chunk.data(), room, 0);
        if (here < 0) {
            return failure(command.verb, errno);
        }
        if (here == 0) {
            break;
        }
        got += here;
    }
    return JsonLine(command.verb).flag("ok", true).number("bytes", got);
}

std::optional<JsonLine> do_receive(Actor& actor, const Command& command)
{
    return drain(command, actor.socket(command.arg(0)), command.number(1));
}

std::optional<JsonLine> do_eof(Actor& actor, const Command& command)
{
    return drain(command, actor.socket(command.arg(0)), -1);
}

std::optional<JsonLine> do_shutdown(Actor& actor, const Command& command)
{
    const std::string& side = command.arg(1);
    const int how = side == "rd" ? SHUT_RD : side == "wr" ? SHUT_WR : SHUT_RDWR;
    if (::shutdown(actor.socket(command.arg(0)), how) != 0) {
        return failure(command.verb, errno);
    }
    return describe(command, command.arg(0), actor.socket(command.arg(0)));
}

std::optional<JsonLine> close_socket(Actor& actor, const Command& command)
{
    const int fd = actor.socket(command.arg(0));
    if (fd < 0) {
        return failure(command.verb, "no such name");
    }
    actor.sockets.erase(command.arg(0));
    ::close(fd);
    return JsonLine(command.verb).flag("ok", true).number("pid", ::getpid());
}

std::optional<JsonLine> do_reset(Actor& actor, const Command& command)
{
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(actor.socket(command.arg(0)), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    return close_socket(actor, command);
}

std::optional<JsonLine> do_disconnect(Actor& actor, const Command& command)
{
    sockaddr none{};
    none.sa_family = AF_UNSPEC;
    if (::connect(actor.socket(command.arg(0)), &none, sizeof(none)) != 0) {
        return failure(command.verb, errno);
    }
    return describe(command, command.arg(0), actor.socket(command.arg(0)));
}

std::optional<JsonLine> do_reconnect(Actor& actor, const Command& command)
{
    const auto address = make_address(command.arg(1), command.number(2));
    const int fd = actor.socket(command.arg(0));
    if (!address || ::connect(fd, address->get(), address->length) != 0) {
        return failure(command.verb, errno);
    }
    return describe(command, command.arg(0), fd);
}

std::optional<JsonLine> do_listen_again(Actor& actor, const Command& command)
{
    const int fd = actor.socket(command.arg(0));
    if (::listen(fd, 16) != 0) {
        return failure(command.verb, errno);
    }
    return describe(command, command.arg(0), fd);
}

} // namespace

void add_socket_verbs(VerbTable& table)
{
    table["listen"] = do_listen;
    table["bind"] = do_bind;
    table["connect"] = do_connect;
    table["await"] = do_await;
    table["accept"] = do_accept;
    table["send"] = do_send;
    table["fill"] = do_fill;
    table["receive"] = do_receive;
    table["eof"] = do_eof;
    table["shutdown"] = do_shutdown;
    table["close"] = close_socket;
    table["reset"] = do_reset;
    table["disconnect"] = do_disconnect;
    table["reconnect"] = do_reconnect;
    table["listen_again"] = do_listen_again;
}

} // namespace workload
