// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/cli_stacks.hpp"

namespace tcpledger {

void add_stacks(CLI::App& command, StacksOptions& options, bool with_files)
{
    auto* none = command.add_flag("!--no-stacks", options.wanted,
                                  "do not tell where in the code the sockets were opened");
    command
        .add_flag("--debuginfod", options.debuginfod,
                  "fetch debug information that is not here from the servers of DEBUGINFOD_URLS")
        ->excludes(none);
    if (!with_files) {
        return;
    }
    command
        .add_option("--folded", options.folded,
                    "write the suspects' stacks as folded lines, for flame graphs")
        ->option_text("FILE")
        ->excludes(none);
    command.add_option("--speedscope", options.speedscope, "write them as speedscope's JSON")
        ->option_text("FILE")
        ->excludes(none);
    command.add_option("--svg", options.svg, "draw them as a flame graph")
        ->option_text("FILE")
        ->excludes(none);
}

} // namespace tcpledger
