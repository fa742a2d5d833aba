// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Verbs on many sockets, named PREFIX0, PREFIX1, …; no cookie is asked for, so
// the kernel has settled none of them.
//
//   connect_many PREFIX COUNT ADDRESS PORT [from=ADDRESS]
//   accept_many PREFIX COUNT LISTENER
//   linger2_many PREFIX SECONDS            TCP_LINGER2
//   close_many PREFIX · reset_many PREFIX
#include "actor.hpp"
#include "addresses.hpp"

#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>

namespace workload {
namespace {

JsonLine counted(const Command& command, const std::vector<std::int64_t>& ports)
{
    JsonLine line(command.verb);
    line.flag("ok", true).number("pid", ::getpid());
    line.number("count", static_cast<std::int64_t>(ports.size())).numbers("local_ports", ports);
    return line;
}

std::optional<JsonLine> do_connect_many(Actor& actor, const Command& command)
{
    const auto address = make_address(command.arg(2), command.number(3));
    if (!address) {
        return failure(command.verb, "no address");
    }
    std::vector<std::int64_t> ports;
    for (int i = 0; i < command.number(1); ++i) {
        const int fd = ::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || ::connect(fd, address->get(), address->length) != 0) {
            return failure(command.verb, errno).number("count", i);
        }
        actor.add_socket(command.arg(0) + std::to_string(i), fd);
        ports.push_back(port_of(fd, ::getsockname));
    }
    return counted(command, ports);
}

std::optional<JsonLine> do_accept_many(Actor& actor, const Command& command)
{
    std::vector<std::int64_t> ports;
    for (int i = 0; i < command.number(1); ++i) {
        const int fd = ::accept4(actor.socket(command.arg(2)), nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) {
            return failure(command.verb, errno).number("count", i);
        }
        actor.add_socket(command.arg(0) + std::to_string(i), fd);
        ports.push_back(port_of(fd, ::getpeername));
    }
    return counted(command, ports);
}

std::optional<JsonLine> do_linger2_many(Actor& actor, const Command& command)
{
    const int seconds = command.number(1);
    for (const std::string& name : actor.names(command.arg(0))) {
        if (::setsockopt(actor.socket(name), IPPROTO_TCP, TCP_LINGER2, &seconds, sizeof(seconds)) !=
            0) {
            return failure(command.verb, errno);
        }
    }
    return JsonLine(command.verb).flag("ok", true);
}

std::optional<JsonLine> close_all(Actor& actor, const Command& command, bool reset)
{
    const std::vector<std::string> names = actor.names(command.arg(0));
    const linger now{.l_onoff = 1, .l_linger = 0};
    for (const std::string& name : names) {
        const int fd = actor.socket(name);
        if (reset) {
            ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        }
        ::close(fd);
        actor.sockets.erase(name);
    }
    JsonLine line(command.verb);
    line.flag("ok", true).number("pid", ::getpid());
    line.number("count", static_cast<std::int64_t>(names.size()));
    return line;
}

} // namespace

void add_bulk_verbs(VerbTable& table)
{
    table["connect_many"] = do_connect_many;
    table["accept_many"] = do_accept_many;
    table["linger2_many"] = do_linger2_many;
    table["close_many"] = [](Actor& actor, const Command& command) {
        return close_all(actor, command, false);
    };
    table["reset_many"] = [](Actor& actor, const Command& command) {
        return close_all(actor, command, true);
    };
}

} // namespace workload
