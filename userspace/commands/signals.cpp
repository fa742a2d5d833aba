// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

namespace tcpledger {

StopSignals::StopSignals()
{
    sigset_t stop;
    sigemptyset(&stop);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        sigaddset(&stop, signal);
    }
    pthread_sigmask(SIG_BLOCK, &stop, nullptr);
    fd_ = UniqueFd(::signalfd(-1, &stop, SFD_NONBLOCK | SFD_CLOEXEC));
}

bool StopSignals::came()
{
    signalfd_siginfo info{};
    came_ = came_ || ::read(fd_.get(), &info, sizeof(info)) > 0;
    return came_;
}

} // namespace tcpledger
