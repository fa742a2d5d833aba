// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Quick connections, one after the other, counted exactly. One side says who closes.
//
//   churn COUNT ADDRESS PORT closer=client|server|reset    COUNT 0: until the next input line
//   serve COUNT LISTENER closer=client|server|reset        the other side of it
//
// closer=client: the client closes at once, the server reads to the end and closes.
// closer=server: the other way round. closer=reset: the client aborts (SO_LINGER 0).
#include "actor.hpp"
#include "addresses.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

namespace workload {
namespace {

using Clock = std::chrono::steady_clock;

void read_to_end(int fd)
{
    std::array<char, 256> chunk{};
    while (::recv(fd, chunk.data(), chunk.size(), 0) > 0) {
    }
}

std::string closer_of(const Command& command)
{
    const auto found = command.options.find("closer");
    return found == command.options.end() ? "client" : found->second;
}

JsonLine summary(const Command& command, std::int64_t connections, std::int64_t failed,
                 Clock::time_point began)
{
    const auto elapsed =
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began);
    JsonLine line(command.verb);
    line.flag("ok", true).number("pid", ::getpid()).number("connections", connections);
    line.number("failed", failed).number("elapsed_us", elapsed.count());
    return line;
}

void finish_client(int fd, const std::string& closer)
{
    if (closer == "reset") {
        const linger now{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    } else if (closer == "server") {
        read_to_end(fd);
    }
    ::close(fd);
}

std::optional<JsonLine> do_churn(Actor& actor, const Command& command)
{
    const auto address = make_address(command.arg(1), command.number(2));
    if (!address) {
        return failure(command.verb, "no address");
    }
    const int wanted = command.number(0);
    const std::string closer = closer_of(command);
    const Clock::time_point began = Clock::now();
    std::int64_t connections = 0;
    std::int64_t failed = 0;
    while (wanted == 0 ? !actor.input_waits() : connections + failed < wanted) {
        const int fd = ::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(fd, address->get(), address->length) == 0) {
            finish_client(fd, closer);
            ++connections;
        } else {
            ::close(fd);
            ++failed;
        }
    }
    if (wanted == 0) {
        actor.read_line();
    }
    return summary(command, connections, failed, began);
}

bool connection_waits_now(int listener)
{
    pollfd waiting{.fd = listener, .events = POLLIN, .revents = 0};
    return ::poll(&waiting, 1, 0) == 1;
}

/// True while there is, or may still come, a connection to accept.
bool connection_waits(const Actor& actor, int listener)
{
    if (actor.input_waits()) {
        return connection_waits_now(listener);
    }
    std::array<pollfd, 2> waiting{pollfd{.fd = listener, .events = POLLIN, .revents = 0},
                                  pollfd{.fd = actor.in_fd(), .events = POLLIN, .revents = 0}};
    ::poll(waiting.data(), waiting.size(), -1);
    return (waiting[0].revents & POLLIN) != 0;
}

std::optional<JsonLine> do_serve(Actor& actor, const Command& command)
{
    const int wanted = command.number(0);
    const int listener = actor.socket(command.arg(1));
    const std::string closer = closer_of(command);
    const Clock::time_point began = Clock::now();
    std::int64_t connections = 0;
    while (wanted == 0 ? connection_waits(actor, listener) : connections < wanted) {
        const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) {
            return failure(command.verb, errno).number("connections", connections);
        }
        if (closer != "server") {
            read_to_end(fd);
        }
        ::close(fd);
        ++connections;
    }
    if (wanted == 0) {
        actor.read_line();
    }
    return summary(command, connections, 0, began);
}

} // namespace

void add_churn_verbs(VerbTable& table)
{
    table["churn"] = do_churn;
    table["serve"] = do_serve;
}

} // namespace workload
