// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the command line says, as plain data: one struct a command. Filled by
// cli.cpp, read by the commands.
#pragma once

#include "analysis/churn_book.hpp"
#include "analysis/finding.hpp"
#include "analysis/leak_rules.hpp"
#include "base/tcp_state.hpp"
#include "kernel/refinements.hpp"
#include "output/color.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tcpledger {

/// What every command takes.
struct CommonOptions {
    bool json = false;
    ColorMode color = ColorMode::kAuto;
    std::size_t ring_bytes = 0; ///< 0 = by the number of CPUs
    HookMode hooks = HookMode::kAuto;
};

struct TopOptions {
    CommonOptions common;
    bool once = false;
    bool batch = false;
    std::chrono::milliseconds delay{1000};
    std::optional<std::uint64_t> count; ///< tables to show
    std::string sort = "total";         ///< a column's name, see sort_columns()
    std::optional<std::size_t> rows;
    std::vector<std::string> filter;
};

/// What --follow names; one of them is 0.
struct FollowTarget {
    std::uint32_t pid = 0;
    std::uint64_t cookie = 0;
};

struct TraceOptions {
    CommonOptions common;
    std::optional<FollowTarget> follow; ///< `trace` only
    std::optional<std::uint32_t> pid;
    std::vector<std::uint16_t> local_ports;
    std::vector<std::uint16_t> remote_ports;
    bool only_ipv4 = false;
    bool only_ipv6 = false;
    bool show_clock_time = false; ///< -T
    bool show_seconds = false;    ///< -t
    bool wide = false;
    bool csv = false;
    std::optional<std::chrono::milliseconds> duration;
    std::optional<std::uint64_t> count;
    std::vector<std::string> filter;
};

struct LifeOptions {
    /// What they say of `trace`'s transitions they say here of connections that ended; the output
    /// and its end too.
    TraceOptions line;
    bool extended = false; ///< -x
    std::optional<std::chrono::nanoseconds> slower;
    bool failed = false;
};

struct ChurnOptions {
    CommonOptions common;
    std::optional<std::chrono::nanoseconds> duration; ///< 30 s, with --watch 10 s
    bool watch = false;                               ///< again and again, `duration` each
    ChurnGrouping by = ChurnGrouping::kProcess;
    std::chrono::nanoseconds poll{std::chrono::seconds(2)};
    std::size_t rows = 10;
    std::vector<std::string> filter;
};

enum class Grouping { kNone, kProcess, kRemote, kPort, kNetns, kContainer, kUser };

struct StatesOptions {
    CommonOptions common;
    Grouping by = Grouping::kNone;
    std::vector<TcpState> states; ///< empty: all
    std::optional<std::size_t> limit;
    bool explain = false;
    std::optional<std::chrono::milliseconds> watch; ///< from one table to the next
    std::vector<std::string> filter;
};

/// The letters are ss's.
struct ListOptions {
    CommonOptions common;
    bool tcp = false; ///< -t; without -t and -u: TCP
    bool udp = false; ///< -u
    bool csv = false;
    bool all = false;       ///< -a
    bool listening = false; ///< -l
    bool numeric = false;   ///< -n
    bool resolve = false;   ///< -r
    bool processes = false; ///< -p
    bool extended = false;  ///< -e
    bool timers = false;    ///< -o
    bool memory = false;    ///< -m
    bool info = false;      ///< -i
    bool only_ipv4 = false;
    bool only_ipv6 = false;
    bool no_header = false; ///< -H
    bool summary = false;   ///< -s
    bool one_line = false;  ///< -O
    std::optional<std::string> netns;
    std::vector<TcpState> states; ///< empty: as ss
    std::vector<std::string> filter;
};

struct ListenOptions {
    CommonOptions common;
    std::optional<std::string> netns; ///< see choose_namespaces()
    bool tcp = false;                 ///< neither: TCP
    bool udp = false;
    bool only_ipv4 = false;
    bool only_ipv6 = false;
    bool no_header = false;
    bool csv = false;
};

struct AuditOptions {
    CommonOptions common;
    std::optional<std::string> netns; ///< see choose_namespaces()
    std::chrono::milliseconds interval{2000};
    std::optional<Severity> fail_on;
};

struct ReportOptions {
    CommonOptions common;
    std::optional<std::string> netns; ///< see choose_namespaces()
    std::chrono::milliseconds interval{2000};
    bool markdown = false;
};

struct DoctorOptions {
    CommonOptions common;
};

struct VerifyOptions {
    CommonOptions common;
    std::chrono::milliseconds duration{60'000};
    std::chrono::milliseconds every{5'000}; ///< from the start of one check to the next
};

/// Where sockets were opened, and the files that are written of it.
struct StacksOptions {
    bool wanted = true;
    bool debuginfod = false; ///< ask the servers of DEBUGINFOD_URLS
    std::optional<std::string> folded;
    std::optional<std::string> speedscope;
    std::optional<std::string> svg;
};

struct LeaksOptions {
    CommonOptions common;
    std::chrono::milliseconds duration{60'000};
    bool watch = false;
    std::optional<LeakVerdict> fail_on;
    StacksOptions stacks;
    std::vector<std::string> filter;
};

struct ExecOptions {
    CommonOptions common;
    std::vector<std::string> command;  ///< and its arguments
    std::vector<std::string> fail_on;  ///< see exec_findings()
    std::optional<std::string> output; ///< a file
    StacksOptions stacks;
};

/// tcpledger as the helper of another tcpledger; not for people.
struct StackHelperOptions {};

using Command = std::variant<TopOptions, TraceOptions, LifeOptions, ChurnOptions, StatesOptions,
                             ListOptions, ListenOptions, AuditOptions, ReportOptions, VerifyOptions,
                             DoctorOptions, LeaksOptions, ExecOptions, StackHelperOptions>;

} // namespace tcpledger
