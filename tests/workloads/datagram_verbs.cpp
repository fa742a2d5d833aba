// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Verbs on UDP sockets.
//
//   datagram_bind NAME ADDRESS PORT [reuseport=1]
//   datagram_flood COUNT BYTES ADDRESS PORT        COUNT 0: until the next input line
#include "actor.hpp"
#include "addresses.hpp"

#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace workload {
namespace {

std::optional<JsonLine> do_bind(Actor& actor, const Command& command)
{
    const auto address = make_address(command.arg(1), command.number(2));
    if (!address) {
        return failure(command.verb, "no address");
    }
    const int fd = ::socket(address->family(), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int reuse = command.option("reuseport", 0);
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &reuse, sizeof(reuse));
    if (::bind(fd, address->get(), address->length) != 0) {
        const int error_number = errno;
        ::close(fd);
        return failure(command.verb, error_number);
    }
    actor.add_socket(command.arg(0), fd);
    return JsonLine(command.verb)
        .flag("ok", true)
        .number("pid", ::getpid())
        .number("fd", fd)
        .number("local_port", port_of(fd, ::getsockname));
}

/// Some hundred a second where there is no end to it: enough to see, too few to burden.
std::optional<JsonLine> do_flood(Actor& actor, const Command& command)
{
    const auto address = make_address(command.arg(2), command.number(3));
    if (!address) {
        return failure(command.verb, "no address");
    }
    const int fd = ::socket(address->family(), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const std::string payload(static_cast<std::size_t>(command.number(1)), 'x');
    const int count = command.number(0);
    const timespec pause{.tv_sec = 0, .tv_nsec = 5'000'000};
    std::int64_t sent = 0;
    while (count > 0 ? sent < count : !actor.input_waits()) {
        if (::sendto(fd, payload.data(), payload.size(), 0, address->get(), address->length) < 0) {
            const int error_number = errno;
            ::close(fd);
            return failure(command.verb, error_number).number("count", sent);
        }
        ++sent;
        if (count == 0) {
            ::nanosleep(&pause, nullptr);
        }
    }
    ::close(fd);
    return JsonLine(command.verb).flag("ok", true).number("pid", ::getpid()).number("count", sent);
}

} // namespace

void add_datagram_verbs(VerbTable& table)
{
    table["datagram_bind"] = do_bind;
    table["datagram_flood"] = do_flood;
}

} // namespace workload
