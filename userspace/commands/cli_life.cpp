// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/cli_life.hpp"

#include "commands/cli_checks.hpp"
#include "commands/cli_list.hpp"
#include "commands/follow_view.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace tcpledger {

CLI::App& add_life(CLI::App& app, LifeOptions& options)
{
    CLI::App& life = *app.add_subcommand("life", "one line a finished connection: who, how long, "
                                                 "how much, who ended it");
    life.add_flag("-x,--extended", options.extended,
                  "latencies, round trips, retransmissions, time in each state");
    life.add_option_function<double>(
            "--slower",
            [&options](const double& milliseconds) {
                options.slower = std::chrono::round<std::chrono::nanoseconds>(
                    std::chrono::duration<double, std::milli>(milliseconds));
            },
            "only connections that lasted so many milliseconds or longer")
        ->check(CLI::Range(0.0, 86400000.0));
    life.add_flag("--failed", options.failed, "only those that no close() of either end ended");
    take_filter_words(life);
    life.footer("Words after the options are a filter, as in ss; see tcpledger(1).\n"
                "Examples:\n"
                "  tcpledger life -T\n"
                "  tcpledger life -x --slower 100 'dport = :443'\n"
                "  tcpledger life --failed\n"
                "  tcpledger life --json | jq -c '[.comm,.closed_by,.duration_ms]'");
    return life;
}

void add_trace_letters(CLI::App& command, TraceOptions& options, double& duration_s)
{
    command.add_option("-p,--pid", options.pid, "only connections of this process")
        ->check(CLI::Range(1U, 4194304U));
    command.add_option("-L,--localport", options.local_ports, "only these local ports (80,443)")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->check(validator(check_port, "PORT"));
    command.add_option("-D,--remoteport", options.remote_ports, "only these remote ports")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->check(validator(check_port, "PORT"));
    auto* ipv4 =
        command.add_flag("-4,--ipv4", options.only_ipv4, "only IPv4 (IPv4-mapped included)");
    command.add_flag("-6,--ipv6", options.only_ipv6, "only IPv6")->excludes(ipv4);
    command.add_flag("-T,--time", options.show_clock_time, "a column with the time of day");
    command.add_flag("-t,--timestamp", options.show_seconds, "a column with seconds since start");
    command.add_flag("-w,--wide", options.wide, "columns wide enough for IPv6");
    command.add_flag("-s,--csv", options.csv, "comma-separated values");
    command.add_option("--duration", duration_s, "end after so many seconds")
        ->check(CLI::Range(0.001, 31536000.0));
    command.add_option("-c,--count", options.count, "end after so many lines")
        ->check(validator(check_positive, "NUMBER"));
}

void add_follow(CLI::App& command, TraceOptions& options)
{
    command
        .add_option_function<std::string>(
            "--follow",
            [&options](const std::string& text) {
                options.follow = parse_follow(text);
                if (!options.follow) {
                    throw CLI::ValidationError("--follow",
                                               "neither a process nor a connection: \"" + text +
                                                   "\"; PID, sk:COOKIE as in ss -e and in the "
                                                   "column COOKIE, or cookie:NUMBER as in JSON");
                }
            },
            "the way of one connection (sk:COOKIE) or of all of one process (PID), to its end")
        ->excludes("--pid");
}

} // namespace tcpledger
