// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/cli_churn.hpp"

#include "commands/cli_checks.hpp"
#include "commands/cli_list.hpp"
#include "commands/duration.hpp"

#include <chrono>
#include <map>
#include <string>

namespace tcpledger {
namespace {

constexpr double kShortest = 0.1;
constexpr double kLongest = 86400.0 * 30;

/// An option that takes a duration.
void add_duration(CLI::App& command, const char* name, std::chrono::nanoseconds& duration,
                  const char* help)
{
    command
        .add_option_function<std::string>(
            name,
            [&duration](const std::string& text) {
                duration = std::chrono::round<std::chrono::nanoseconds>(
                    std::chrono::duration<double>(parse_seconds(text).value_or(0)));
            },
            help)
        ->check(CLI::Validator(
            [](const std::string& text) {
                const auto seconds = parse_seconds(text);
                return seconds && *seconds >= kShortest && *seconds <= kLongest
                           ? std::string()
                           : "no duration \"" + text + "\"; 100ms, 60s, 10m, 1.5h and the like";
            },
            "DURATION"));
}

} // namespace

CLI::App& add_churn(CLI::App& app, ChurnOptions& options)
{
    static const std::map<std::string, ChurnGrouping> groupings = {
        {"process", ChurnGrouping::kProcess},
        {"remote", ChurnGrouping::kRemote},
        {"port", ChurnGrouping::kPort},
        {"container", ChurnGrouping::kContainer},
    };
    CLI::App& churn = *app.add_subcommand("churn", "what comes and goes: rates, lifetimes, what a "
                                                   "poller misses, what reuse would save");
    add_duration(churn, "--for", options.duration, "how long to watch (default 30s)");
    churn.add_flag("--watch", options.watch, "again and again, --for each, until Ctrl-C");
    churn.add_option("--by", options.by, "process (default), remote, port or container")
        ->transform(CLI::CheckedTransformer(groupings).description("GROUP"));
    add_duration(churn, "--poll", options.poll,
                 "the period of the poller whose blindness is told (default 2s)");
    churn.add_option("-n,--number", options.rows, "at most so many rows a table (default 10)")
        ->check(validator(check_natural, "NUMBER"));
    take_filter_words(churn);
    churn.footer("Words after the options are a filter, as in ss; see tcpledger(1).\n"
                 "Examples:\n"
                 "  tcpledger churn --for 1m\n"
                 "  tcpledger churn --by remote 'dport = :443'\n"
                 "  tcpledger churn --poll 10s --json | jq .totals.unseen_share\n"
                 "  tcpledger churn --watch --for 10s");
    return churn;
}

} // namespace tcpledger
