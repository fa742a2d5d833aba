// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/cli_churn.hpp"

#include "commands/cli_checks.hpp"
#include "commands/cli_list.hpp"
#include "commands/duration.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tcpledger {
namespace {

constexpr double kShortest = 0.1;
constexpr double kLongest = 86400.0 * 30;

/// An option that takes a duration.
template <typename Duration>
void add_duration(CLI::App& command, const char* name, Duration& duration, const char* help)
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

std::optional<ChurnGrouping> grouping_of(std::string_view word)
{
    static constexpr std::array kWords = {
        std::pair{"process", ChurnGrouping::kProcess}, std::pair{"remote", ChurnGrouping::kRemote},
        std::pair{"port", ChurnGrouping::kPort}, std::pair{"container", ChurnGrouping::kContainer}};
    const auto* found =
        std::ranges::find(kWords, word, [](const auto& entry) { return entry.first; });
    return found != kWords.end() ? std::optional(found->second) : std::nullopt;
}

} // namespace

CLI::App& add_churn(CLI::App& app, ChurnOptions& options)
{
    CLI::App& churn = *app.add_subcommand("churn", "what comes and goes: rates, lifetimes, what a "
                                                   "poller misses, what reuse would save");
    add_duration(churn, "--for", options.duration,
                 "how long to watch (default 30s; with --watch 10s)");
    churn.add_flag("--watch", options.watch, "again and again, --for each, until Ctrl-C");
    churn
        .add_option_function<std::string>(
            "--by",
            [&options](const std::string& word) {
                options.by = grouping_of(word).value_or(options.by);
            },
            "process (default), remote, port or container")
        ->check(CLI::Validator(
            [](const std::string& word) {
                return grouping_of(word)
                           ? std::string()
                           : "no group \"" + word + "\"; one of process remote port container";
            },
            "GROUP"));
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
