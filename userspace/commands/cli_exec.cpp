// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/cli_exec.hpp"

#include "commands/cli_stacks.hpp"
#include "commands/exec_view.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <string_view>

namespace tcpledger {

CLI::App& add_exec(CLI::App& app, ExecOptions& options)
{
    CLI::App& exec = *app.add_subcommand(
        "exec", "runs a command and keeps the connection books of it and its children");
    exec.add_option("-o,--output", options.output, "the report to this file, not to stderr");
    exec.add_option("--fail-on", options.fail_on,
                    "status 4 with any such connection: leak, unclosed, failed, refused, timeout, "
                    "…")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->check(CLI::IsMember(exec_findings()));
    add_stacks(exec, options.stacks, false);
    exec.allow_extras(); // refused by command_behind(), with a better word
    exec.footer("The command stands behind --. Its status is ours, unless --fail-on strikes.\n"
                "Examples:\n"
                "  tcpledger exec -- ctest --output-on-failure\n"
                "  tcpledger exec --fail-on leak,refused -- pytest -q\n"
                "  tcpledger exec --json -o books.json -- npm test");
    return exec;
}

std::size_t own_words(std::span<const char* const> words)
{
    if (words.size() < 2 || std::string_view(words[1]) != "exec") {
        return words.size();
    }
    const auto mark = std::ranges::find(words, std::string_view("--"),
                                        [](const char* word) { return std::string_view(word); });
    return static_cast<std::size_t>(mark - words.begin());
}

std::vector<std::string> command_behind(const CLI::App& exec, std::span<const char* const> words)
{
    const std::size_t own = own_words(words);
    if (own + 1 >= words.size() || exec.remaining_size() > 0) {
        throw CLI::ParseError("exec needs its command behind --: tcpledger exec -- COMMAND",
                              CLI::ExitCodes::RequiredError);
    }
    const auto command = words.subspan(own + 1);
    return {command.begin(), command.end()};
}

} // namespace tcpledger
