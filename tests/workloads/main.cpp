// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The workload program of the end-to-end tests: plays one process that opens,
// holds, passes on and closes TCP sockets exactly as the lines on its input say,
// and answers each with a JSON line (pid, descriptor, ports, cookie). A test sets
// up several of them and so knows every step and who took it. It knows nothing of
// tcpledger and writes nothing but its replies. By hand:
//
//   printf '%s\n' 'listen l 127.0.0.1 0' 'pid' | tcp_actor
//
// The verbs are listed at the top of the *_verbs.cpp files.
#include "actor.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

int main(int argc, char** argv)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL); // no test leaves its actors behind
    ::signal(SIGPIPE, SIG_IGN);
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &files);
    }
    workload::Actor actor(STDIN_FILENO, STDOUT_FILENO);
    for (int i = 1; i < argc; ++i) { // sockets kept by the verb exec: NAME=FD
        const std::string word = argv[i];
        const std::size_t equals = word.find('=');
        if (equals != std::string::npos) {
            actor.add_socket(word.substr(0, equals), std::atoi(word.c_str() + equals + 1));
        }
    }
    return actor.serve();
}
