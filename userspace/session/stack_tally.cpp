// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/stack_tally.hpp"

#include <algorithm>
#include <functional>

namespace tcpledger {
namespace {

/// The place in the code, not the instruction.
bool reads_alike(const StackFrame& one, const StackFrame& other)
{
    const bool named = !one.function.empty();
    return one.function == other.function && one.file == other.file && one.line == other.line &&
           one.module == other.module && ((named && one.line != 0) || one.offset == other.offset);
}

} // namespace

StackTally tally_stacks(StackDesk& desk, std::span<const std::uint64_t> cookies)
{
    StackTally tally;
    for (const std::uint64_t cookie : cookies) {
        if (const auto id = desk.stack_of(cookie)) {
            ++tally.counts[*id];
        } else {
            ++tally.without;
        }
    }
    std::vector<StackId> ids;
    for (const auto& [id, count] : tally.counts) {
        ids.push_back(id);
    }
    desk.ask_names(ids);
    return tally;
}

void add_stack(std::vector<CountedStack>& stacks, const Stack& stack, std::uint64_t count)
{
    const auto same = std::ranges::find_if(stacks, [&](const CountedStack& each) {
        return std::ranges::equal(each.stack.frames, stack.frames, reads_alike);
    });
    if (same != stacks.end()) {
        same->count += count;
    } else {
        stacks.push_back({count, stack});
    }
}

std::vector<CountedStack> named_stacks(const StackDesk& desk, const StackTally& tally)
{
    std::vector<CountedStack> stacks;
    for (const auto& [id, count] : tally.counts) {
        const auto named = desk.named(id);
        add_stack(stacks, named ? *named : Stack(), count);
    }
    std::ranges::stable_sort(stacks, std::ranges::greater(), &CountedStack::count);
    return stacks;
}

} // namespace tcpledger
