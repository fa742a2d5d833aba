// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/cli.hpp"

#include "commands/cli_checks.hpp"
#include "commands/cli_churn.hpp"
#include "commands/cli_exec.hpp"
#include "commands/cli_inspect.hpp"
#include "commands/cli_leaks.hpp"
#include "commands/cli_life.hpp"
#include "commands/cli_list.hpp"
#include "commands/top_columns.hpp"
#include "output/escape.hpp"
#include "stacks/helper.hpp"
#include "version.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tcpledger {
namespace {

/// Options as typed, before they have our types. Alive while CLI11 parses.
struct Typed {
    CommonOptions common;
    std::string color = "auto";
    std::string hooks = "auto";
    double delay_s = 1.0;
    double duration_s = 0;
    double watch_s = 0;
    std::vector<std::string> states;
    std::string by;
    TopOptions top;
    TraceOptions trace;
    LifeOptions life;
    ChurnOptions churn;
    StatesOptions states_command;
    ListOptions list;
    double verify_s = 60.0;
    double every_s = 5.0;
    TypedLeaks leaks;
    ExecOptions exec;
};

std::string all_state_names()
{
    std::string names;
    for (const TcpState state : kShownStates) {
        names += names.empty() ? "" : " ";
        names += state_name(state);
    }
    return names;
}

std::string check_state(const std::string& text)
{
    return parse_state(text) ? "" : "no state \"" + text + "\"; one of " + all_state_names();
}

std::string check_sort_column(const std::string& text)
{
    if (is_sort_column(text)) {
        return "";
    }
    std::string message = "no column \"" + text + "\"; one of";
    for (const std::string& name : sort_column_names()) {
        message += " " + name;
    }
    return message;
}

void add_common(CLI::App& command, Typed& typed)
{
    command.add_flag("-j,--json", typed.common.json, "JSON instead of text");
    command.add_option("--color", typed.color, "auto, always or never")
        ->check(CLI::IsMember({"auto", "always", "never"}));
}

/// The options of every command that traces.
void add_tracing(CLI::App& command, Typed& typed)
{
    command
        .add_option("--ring-size", typed.common.ring_bytes,
                    "size of the ring buffer (64K to 1G; default 4M a CPU, 8M to 64M)")
        ->transform(CLI::AsSizeValue(false))
        ->check(CLI::Range(std::size_t{64} << 10, std::size_t{1} << 30));
    command
        .add_option("--hooks", typed.hooks,
                    "auto: refinements where this kernel has them (default); tracepoints: never; "
                    "fentry: all of them, or fail")
        ->check(CLI::IsMember({"auto", "tracepoints", "fentry"}));
}

void add_states(CLI::App& command, Typed& typed)
{
    command
        .add_option("--state", typed.states,
                    "only these states, either spelling, any case (CLOSE_WAIT,time-wait)")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->check(validator(check_state, "STATE"));
}

CLI::App& add_top(CLI::App& app, Typed& typed)
{
    CLI::App& top = *app.add_subcommand("top", "live: processes by states, opened and closed");
    TopOptions& options = typed.top;
    add_common(top, typed);
    add_tracing(top, typed);
    top.add_flag("--once", options.once, "one table after one interval, then end");
    top.add_flag("-b,--batch", options.batch, "tables one after another, no screen control");
    top.add_option("-d,--delay", typed.delay_s, "seconds between tables (default 1)")
        ->check(CLI::Range(0.1, 3600.0));
    top.add_option("-c,--count", options.count, "end after so many tables")
        ->check(validator(check_positive, "NUMBER"));
    top.add_option("-s,--sort", options.sort, "column to sort by (default total)")
        ->check(validator(check_sort_column, "COLUMN"));
    top.add_option("-r,--rows", options.rows, "at most so many processes")
        ->check(validator(check_natural, "NUMBER"));
    take_filter_words(top);
    top.footer("Words after the options are a filter, as in ss; see tcpledger(1).\n"
               "Examples:\n"
               "  tcpledger top                          watch this host\n"
               "  tcpledger top --once --sort CLOSE_WAIT -r 5\n"
               "  tcpledger top --batch --json -d 5 | jq -c .totals.states");
    return top;
}

CLI::App& add_trace(CLI::App& app, Typed& typed)
{
    CLI::App& trace = *app.add_subcommand("trace", "each state transition as it happens");
    TraceOptions& options = typed.trace;
    add_common(trace, typed);
    add_tracing(trace, typed);
    add_trace_letters(trace, options, typed.duration_s);
    add_follow(trace, options);
    take_filter_words(trace);
    trace.footer(
        "Words after the options are a filter, as in ss; see tcpledger(1).\n"
        "Examples:\n"
        "  tcpledger trace -T\n"
        "  tcpledger trace -p 1234 -D 5432\n"
        "  tcpledger trace --follow sk:1c0d3      one connection to its end (ss -e tells it)\n"
        "  tcpledger trace --follow 1234          all of one process, to its end\n"
        "  tcpledger trace --json --duration 10 | jq 'select(.new_state==\"CLOSE_WAIT\")'");
    return trace;
}

CLI::App& add_states_command(CLI::App& app, Typed& typed)
{
    CLI::App& states = *app.add_subcommand("states", "counts and percentages by state");
    add_common(states, typed);
    states.add_option("--by", typed.by, "process, remote, port, netns, container or user")
        ->check(CLI::IsMember({"process", "remote", "port", "netns", "container", "user"}));
    add_states(states, typed);
    states.add_option("-n,--number", typed.states_command.limit, "at most so many rows")
        ->check(validator(check_natural, "NUMBER"));
    states.add_flag("--explain", typed.states_command.explain,
                    "what each state means and when to worry");
    states.add_option("--watch", typed.watch_s, "again and again, so many seconds apart")
        ->check(CLI::Range(0.1, 86400.0));
    take_filter_words(states);
    states.footer("Words after the options are a filter, as in ss; see tcpledger(1).\n"
                  "Examples:\n"
                  "  tcpledger states --explain\n"
                  "  tcpledger states --by process --state CLOSE_WAIT -n 10\n"
                  "  tcpledger states --by remote 'dport = :443' --watch 2\n"
                  "  tcpledger states --json | jq .states.TIME_WAIT");
    return states;
}

CLI::App& add_verify(CLI::App& app, Typed& typed)
{
    CLI::App& verify =
        *app.add_subcommand("verify", "holds the books against independent looks at the kernel");
    add_common(verify, typed);
    add_tracing(verify, typed);
    verify.add_option("--for", typed.verify_s, "how long (default 60s)")->transform(as_seconds());
    verify.add_option("--every", typed.every_s, "from one check to the next (default 5s)")
        ->transform(as_seconds());
    verify.footer("Status 4 when a difference persists.\n"
                  "Examples:\n"
                  "  tcpledger verify\n"
                  "  tcpledger verify --for 10m --every 30s\n"
                  "  tcpledger verify --json --for 20s | jq -c .differences");
    return verify;
}

std::chrono::milliseconds to_milliseconds(double seconds)
{
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000.0));
}

CommonOptions finished_common(const Typed& typed)
{
    CommonOptions common = typed.common;
    common.color = parse_color_mode(typed.color).value_or(ColorMode::kAuto);
    common.hooks = typed.hooks == "fentry"        ? HookMode::kFentry
                   : typed.hooks == "tracepoints" ? HookMode::kTracepoints
                                                  : HookMode::kAuto;
    return common;
}

std::vector<TcpState> finished_states(const Typed& typed)
{
    std::vector<TcpState> states;
    for (const std::string& text : typed.states) {
        states.push_back(parse_state(text).value_or(TcpState::kClose));
    }
    return states;
}

Grouping finished_grouping(const std::string& by)
{
    static constexpr std::array kWords = {
        std::pair{"process", Grouping::kProcess},     std::pair{"remote", Grouping::kRemote},
        std::pair{"port", Grouping::kPort},           std::pair{"netns", Grouping::kNetns},
        std::pair{"container", Grouping::kContainer}, std::pair{"user", Grouping::kUser},
    };
    const auto* found = std::ranges::find(kWords, by, [](const auto& word) { return word.first; });
    return found != kWords.end() ? found->second : Grouping::kNone;
}

/// Prints the help that was asked for, or says what was wrong. The user's words are
/// in the message, so it is made safe to show.
ExitStatus end_with(const CLI::App& app, const CLI::ParseError& error)
{
    if (error.get_exit_code() == 0) {
        app.exit(error);
        return ExitStatus::kDone;
    }
    fmt::print(stderr, "tcpledger: {}\nRun with --help for more information.\n",
               visible(error.what()));
    return ExitStatus::kUsage;
}

/// With no command: the live table on a terminal, a report in a pipe.
Command default_command()
{
    return ::isatty(STDOUT_FILENO) != 0 ? Command(TopOptions{}) : Command(ReportOptions{});
}

} // namespace

tl::expected<Command, ExitStatus> parse_command_line(int argc, char** argv)
{
    Typed typed;
    CLI::App app("Keeps the books of every TCP connection on this host: which process, which "
                 "state, since when.",
                 "tcpledger");
    app.set_version_flag("-V,--version", std::string("tcpledger ") + kVersion);
    app.require_subcommand(0, 1);
    app.footer("With no command: top on a terminal, report in a pipe.\n"
               "Status: 0 done, 1 failed, 2 wrong usage, 3 not permitted or the kernel cannot, "
               "4 a finding.");
    const CLI::App& top = add_top(app, typed);
    const CLI::App& trace = add_trace(app, typed);
    CLI::App& life = add_life(app, typed.life);
    add_common(life, typed);
    add_tracing(life, typed);
    add_trace_letters(life, typed.life.line, typed.duration_s);
    CLI::App& churn = add_churn(app, typed.churn);
    add_common(churn, typed);
    add_tracing(churn, typed);
    const CLI::App& states = add_states_command(app, typed);
    CLI::App& list = add_list(app, typed.list);
    add_common(list, typed);
    add_states(list, typed);
    InspectionCli inspection(app);
    CLI::App& leaks = add_leaks(app, typed.leaks);
    add_common(leaks, typed);
    add_tracing(leaks, typed);
    CLI::App& exec = add_exec(app, typed.exec);
    add_common(exec, typed);
    add_tracing(exec, typed);
    const CLI::App& verify = add_verify(app, typed);
    CLI::App& doctor = *app.add_subcommand("doctor", "what this kernel and these privileges allow");
    add_common(doctor, typed);
    const CLI::App& helper = *app.add_subcommand(kStackHelperWord, "")->group("");

    const std::span<const char* const> words(argv, static_cast<std::size_t>(argc));
    try { // CLI11 reports by exceptions; none leaves this function
        app.parse(static_cast<int>(own_words(words)), argv);
        typed.list.filter = filter_words(list);
        typed.states_command.filter = filter_words(states);
        typed.top.filter = filter_words(top);
        typed.trace.filter = filter_words(trace);
        typed.life.line.filter = filter_words(life);
        typed.churn.filter = filter_words(churn);
        typed.leaks.options.filter = filter_words(leaks);
        if (exec.parsed()) {
            typed.exec.command = command_behind(exec, words);
        }
    } catch (const CLI::ParseError& error) {
        return tl::unexpected(end_with(app, error));
    }
    if (helper.parsed()) {
        return StackHelperOptions();
    }
    const CommonOptions common = finished_common(typed);
    if (top.parsed()) {
        typed.top.common = common;
        typed.top.delay = to_milliseconds(typed.delay_s);
        return typed.top;
    }
    if (trace.parsed() || life.parsed()) {
        TraceOptions& line = trace.parsed() ? typed.trace : typed.life.line;
        line.common = common;
        if (typed.duration_s > 0) {
            line.duration =
                std::max(to_milliseconds(typed.duration_s), std::chrono::milliseconds(1));
        }
        return trace.parsed() ? Command(typed.trace) : Command(typed.life);
    }
    if (churn.parsed()) {
        typed.churn.common = common;
        return typed.churn;
    }
    if (states.parsed()) {
        typed.states_command.common = common;
        typed.states_command.by = finished_grouping(typed.by);
        typed.states_command.states = finished_states(typed);
        if (typed.watch_s > 0) {
            typed.states_command.watch = to_milliseconds(typed.watch_s);
        }
        return typed.states_command;
    }
    if (list.parsed()) {
        typed.list.common = common;
        typed.list.states = finished_states(typed);
        return typed.list;
    }
    if (std::optional<Command> command = inspection.parsed()) {
        return *std::move(command);
    }
    if (exec.parsed()) {
        typed.exec.common = common;
        return typed.exec;
    }
    if (leaks.parsed()) {
        typed.leaks.options.common = common;
        return typed.leaks.finished();
    }
    if (verify.parsed()) {
        return VerifyOptions{common, to_milliseconds(typed.verify_s),
                             to_milliseconds(typed.every_s)};
    }
    if (doctor.parsed()) {
        return DoctorOptions{common};
    }
    return default_command();
}

} // namespace tcpledger
