// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/cli_leaks.hpp"

#include "commands/cli_checks.hpp"
#include "commands/cli_list.hpp"
#include "commands/cli_stacks.hpp"

#include <cstdint>

namespace tcpledger {

CLI::App& add_leaks(CLI::App& app, TypedLeaks& typed)
{
    CLI::App& leaks = *app.add_subcommand("leaks", "who leaks sockets: verdict, growth, ages, to "
                                                   "whom, until when it goes well");
    auto* duration = leaks.add_option("--for", typed.duration_s, "how long to look (default 60s)")
                         ->transform(as_seconds());
    leaks
        .add_flag("--watch", typed.options.watch, "the verdict after each look, until interrupted")
        ->excludes(duration);
    leaks
        .add_option("--fail-on", typed.fail_on,
                    "status 4 with such a verdict: suspect or leak; with --watch it ends then")
        ->check(CLI::IsMember({"suspect", "leak"}));
    add_stacks(leaks, typed.options.stacks, true);
    take_filter_words(leaks);
    leaks.footer("Words after the options are a filter, as in ss; see tcpledger(1).\n"
                 "Examples:\n"
                 "  tcpledger leaks\n"
                 "  tcpledger leaks --for 10m 'comm = nginx*'\n"
                 "  tcpledger leaks --for 5m --svg leaks.svg\n"
                 "  tcpledger leaks --watch --fail-on leak; page-somebody\n"
                 "  tcpledger leaks --json | jq -r '.suspects[].reason'");
    return leaks;
}

LeaksOptions TypedLeaks::finished() const
{
    LeaksOptions finished = options;
    finished.duration = std::chrono::milliseconds(static_cast<std::int64_t>(duration_s * 1000.0));
    if (!fail_on.empty()) {
        finished.fail_on = fail_on == "leak" ? LeakVerdict::kLeak : LeakVerdict::kSuspect;
    }
    return finished;
}

} // namespace tcpledger
