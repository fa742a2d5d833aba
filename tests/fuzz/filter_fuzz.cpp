// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Any bytes as a filter. Each line of the input is one word of the command line; what is read
// must hold the promises of parser.hpp, filter.hpp and inet_diag_bytecode.hpp.
#include "filter/inet_diag_bytecode.hpp"
#include "filter/source.hpp"
#include "fuzz/require.hpp"
#include "unit/filter/population.hpp"
#include "unit/filter/reference_inet_diag.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace tcpledger {
namespace {

std::vector<std::string> lines_of(std::string_view input)
{
    std::vector<std::string> lines(1);
    for (const char c : input) {
        if (c == '\n') {
            lines.emplace_back();
        } else {
            lines.back() += c;
        }
    }
    return lines;
}

void check_error(const Error& error)
{
    require(error.kind == ErrorKind::kUsage, "an error is of usage");
    const std::vector<std::string> lines = lines_of(error.message());
    require(lines.size() == 3, "an error has three lines");
    for (const std::string& line : lines) {
        require(filter::printable(line) == line, "an error is printable");
        require(line.size() < 1000, "an error is short");
    }
    require(lines[1].ends_with('^') && lines[1].find_first_not_of(' ') == lines[1].size() - 1,
            "the second line is a caret");
    require(lines[1].size() <= lines[0].size() + 1, "the caret is under the expression");
    require(lines[2].starts_with("expected "), "the third line says what was expected");
}

void check_bytecode(const Filter& filter, const InetDiagContext& context,
                    const test::Population& population)
{
    const InetDiagFilter compiled = compile_inet_diag(filter, context);
    const test::ReferenceInetDiag kernel(compiled.bytecode);
    require(compiled.bytecode.empty() || kernel.passes_check(context.mark_allowed),
            "the kernel takes the program");
    for (const test::Member& member : population.members()) {
        if (context.netns_inum && member.view.tuple.netns_inum != *context.netns_inum) {
            continue;
        }
        const bool passes = !compiled.selects_nothing &&
                            (compiled.states & set_of(member.view.state)) != 0 &&
                            (compiled.bytecode.empty() || kernel.accepts(member.view));
        require(passes || !filter.matches(member.view), "the kernel keeps nothing back");
    }
}

void check(std::string_view input)
{
    static const test::Population population;
    static const Names names = test::population_names();
    const std::vector<std::string> words = lines_of(input);
    const auto filter = parse_filter(words, names);
    if (!filter) {
        check_error(filter.error());
        return;
    }
    require((filter->states() & ~kAllStates) == 0 && filter->states() != 0, "states are states");
    for (const std::string& warning : filter->warnings()) {
        for (const std::string& line : lines_of(warning)) {
            require(filter::printable(line) == line, "a warning is printable");
        }
    }
    check_bytecode(*filter, {}, population);
    check_bytecode(*filter, {1, true, true}, population);
}

} // namespace
} // namespace tcpledger

// NOLINTNEXTLINE(readability-identifier-naming): the fuzzer's name for it
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    tcpledger::check({reinterpret_cast<const char*>(data), size});
    return 0;
}
