// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "actor.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace scenario {

namespace {

[[noreturn]] void die(const char* what)
{
    std::perror(what);
    _exit(1);
}

} // namespace

Actor::Actor(std::string comm) : comm_(std::move(comm))
{
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) < 0) {
        die("socketpair");
    }
    pid_ = fork();
    if (pid_ < 0) {
        die("fork");
    }
    if (pid_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_NAME, comm_.c_str());
        close(ends[0]);
        obey(ends[1]);
    }
    close(ends[1]);
    channel_ = ends[0];
}

Actor::~Actor()
{
    stop();
}

void Actor::obey(int channel)
{
    Message message;
    while (recv(channel, &message, sizeof(message), 0) == sizeof(message) &&
           message.call != nullptr) {
        Message reply;
        message.call(message.bytes.data(), reply.bytes.data());
        if (::send(channel, &reply, sizeof(reply), MSG_NOSIGNAL) != sizeof(reply)) {
            break;
        }
    }
    _exit(0);
}

void Actor::send(const Message& message) const
{
    if (::send(channel_, &message, sizeof(message), MSG_NOSIGNAL) != sizeof(message)) {
        die("an actor has gone");
    }
}

Actor::Message Actor::receive() const
{
    Message message;
    if (recv(channel_, &message, sizeof(message), 0) != sizeof(message)) {
        die("an actor has gone");
    }
    return message;
}

void Actor::stop()
{
    if (pid_ > 0) {
        send(Message{});
        reap();
    }
}

void Actor::kill()
{
    ::kill(pid_, SIGKILL);
    reap();
}

void Actor::reap()
{
    waitpid(pid_, nullptr, 0);
    close(channel_);
    pid_ = -1;
}

} // namespace scenario
