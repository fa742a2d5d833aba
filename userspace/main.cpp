// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Options → command → status.
#include "commands/cli.hpp"
#include "commands/commands.hpp"
#include "kernel/libbpf_log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <variant>

/// A standard stream that was closed must not become some other file of ours: a
/// descriptor that can only be read takes its place, so that writing to it fails.
static void occupy_standard_streams()
{
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(fd, F_GETFD) < 0) {
            (void)::open("/dev/null", O_RDONLY); // takes the lowest free number: this one
        }
    }
}

/// A census needs for a moment what as many sockets take as the host has. Blocks of this size go
/// back to the system when they are freed, whatever else is in the heap behind them.
static void give_back_large_blocks()
{
    constexpr int kLargeBytes = 1 << 20;
    (void)::mallopt(M_MMAP_THRESHOLD, kLargeBytes);
}

int main(int argc, char** argv)
{
    occupy_standard_streams();
    give_back_large_blocks();
    std::signal(SIGPIPE, SIG_IGN); // a reader that leaves is noticed by the write
    spdlog::set_default_logger(spdlog::stderr_logger_mt("tcpledger"));
    spdlog::set_pattern("%n: %v");
    tcpledger::route_libbpf_messages();

    const auto command = tcpledger::parse_command_line(argc, argv);
    const tcpledger::ExitStatus status =
        command ? std::visit([](const auto& options) { return tcpledger::run(options); }, *command)
                : command.error();
    return static_cast<int>(status);
}
