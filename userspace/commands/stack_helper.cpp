// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `stack-helper`: what leaks and exec start beside themselves to read other programs' files.
#include "commands/commands.hpp"
#include "stacks/helper.hpp"

namespace tcpledger {

ExitStatus run(const StackHelperOptions& /*options*/)
{
    return static_cast<ExitStatus>(run_stack_helper());
}

} // namespace tcpledger
