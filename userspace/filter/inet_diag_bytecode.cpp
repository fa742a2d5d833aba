// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// The kernel (net/ipv4/inet_diag.c) runs a program of conditional forward jumps: an
// instruction goes on by its `yes` or its `no` bytes. Ending exactly at the program's end
// accepts, four bytes beyond it rejects. Its check walks along the `yes` offsets and wants
// every `no` to land on an instruction that this walk meets: so `yes` is always the own
// length here, and a jump follows where the true branch is not what comes next.
#include "filter/inet_diag_bytecode.hpp"

#include "filter/inet_diag_conditions.hpp"

#include <linux/inet_diag.h>

#include <cstring>
#include <span>
#include <utility>

namespace tcpledger {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kOpBytes = sizeof(inet_diag_bc_op);

struct Branches {
    std::uint32_t begin = kAccepted; ///< where a jump to this step ends up: itself if it is kept
    std::uint32_t on_true = kAccepted;
    std::uint32_t on_false = kRejected;
};

/// Bends the branches around each step that the kernel need not or cannot decide.
std::vector<Branches> simplify(std::span<const FilterStep> steps, const InetDiagContext& context)
{
    std::vector<Branches> branches(steps.size());
    const auto settled = [&branches](std::uint32_t target) {
        return target < branches.size() ? branches[target].begin : target;
    };
    for (std::size_t i = steps.size(); i-- > 0;) {
        Branches& own = branches[i];
        own.on_true = settled(steps[i].on_true);
        own.on_false = settled(steps[i].on_false);
        switch (filter::decide(steps[i].test, context)) {
        case filter::Decision::kByKernel:
            own.begin = own.on_true == own.on_false ? own.on_true : static_cast<std::uint32_t>(i);
            break;
        case filter::Decision::kTrue:
            own.begin = own.on_true;
            break;
        case filter::Decision::kFalse:
            own.begin = own.on_false;
            break;
        case filter::Decision::kUnknown: // the branch that helps to accept
            own.begin = steps[i].negated ? own.on_false : own.on_true;
            break;
        }
    }
    return branches;
}

/// The steps met on any way from the first one.
std::vector<bool> reachable(std::span<const Branches> branches)
{
    std::vector<bool> reached(branches.size(), false);
    const auto reach = [&reached](std::uint32_t target) {
        if (target < reached.size()) {
            reached[target] = true;
        }
    };
    reach(branches[0].begin);
    for (std::size_t i = 0; i < branches.size(); ++i) {
        if (reached[i]) {
            reach(branches[i].on_true);
            reach(branches[i].on_false);
        }
    }
    return reached;
}

/// Targets are other instructions by index, kAccepted or kRejected.
struct Instruction {
    Bytes bytes;
    std::uint32_t on_true = kAccepted;
    std::uint32_t on_false = kRejected;
};

std::vector<Instruction> instructions_of(std::span<const FilterStep> steps,
                                         std::span<const Branches> branches)
{
    const std::vector<bool> reached = reachable(branches);
    std::vector<Instruction> instructions;
    std::vector<std::uint32_t> first(steps.size(), kRejected); // the step's first instruction
    // Backwards, as targets lie ahead; indices count from the end until all are there.
    for (std::size_t i = steps.size(); i-- > 0;) {
        if (!reached[i]) {
            continue;
        }
        const auto place = [&first](std::uint32_t target) {
            return target < first.size() ? first[target] : target;
        };
        std::uint32_t on_true = place(branches[i].on_true);
        std::uint32_t on_false = place(branches[i].on_false);
        filter::InetDiagConditions conditions = filter::inet_diag_conditions(steps[i].test);
        if (conditions.inverted) {
            std::swap(on_true, on_false);
        }
        while (!conditions.any_of.empty()) {
            instructions.push_back({std::move(conditions.any_of.back()), on_true, on_false});
            conditions.any_of.pop_back();
            on_false = static_cast<std::uint32_t>(instructions.size() - 1);
        }
        first[i] = on_false;
    }
    const auto last = static_cast<std::uint32_t>(instructions.size()) - 1;
    for (Instruction& instruction : instructions) {
        for (std::uint32_t* target : {&instruction.on_true, &instruction.on_false}) {
            *target = *target <= last ? last - *target : *target;
        }
    }
    return {std::make_move_iterator(instructions.rbegin()),
            std::make_move_iterator(instructions.rend())};
}

void append_op(Bytes& program, unsigned char code, std::size_t yes, std::size_t no)
{
    const inet_diag_bc_op op{code, static_cast<unsigned char>(yes),
                             static_cast<unsigned short>(no)};
    const auto* begin = reinterpret_cast<const std::uint8_t*>(&op);
    program.insert(program.end(), begin, begin + sizeof(op));
}

/// Sets the jumps. Empty when the program gets longer than kMaximumBytecodeBytes.
Bytes assemble(std::span<const Instruction> instructions)
{
    const auto needs_jump = [&](std::size_t i) {
        const std::size_t next = i + 1;
        return instructions[i].on_true != (next < instructions.size() ? next : kAccepted);
    };
    std::vector<std::size_t> offsets;
    std::size_t total = 0;
    for (std::size_t i = 0; i < instructions.size(); ++i) {
        offsets.push_back(total);
        total += instructions[i].bytes.size() + (needs_jump(i) ? kOpBytes : 0);
    }
    if (total > kMaximumBytecodeBytes) {
        return {};
    }
    const auto offset_of = [&](std::uint32_t target) {
        if (target == kAccepted || target == kRejected) {
            return target == kAccepted ? total : total + kOpBytes;
        }
        return offsets[target];
    };
    Bytes program;
    program.reserve(total);
    for (std::size_t i = 0; i < instructions.size(); ++i) {
        const Instruction& instruction = instructions[i];
        append_op(program, instruction.bytes[0], instruction.bytes.size(),
                  offset_of(instruction.on_false) - offsets[i]);
        program.insert(program.end(), instruction.bytes.begin() + kOpBytes,
                       instruction.bytes.end());
        if (needs_jump(i)) {
            append_op(program, INET_DIAG_BC_JMP, kOpBytes,
                      offset_of(instruction.on_true) - program.size());
        }
    }
    return program;
}

} // namespace

InetDiagFilter compile_inet_diag(const Filter& filter, const InetDiagContext& context)
{
    InetDiagFilter result;
    result.states = filter.states();
    const std::span<const FilterStep> steps = filter.steps();
    if (steps.empty()) {
        return result;
    }
    const std::vector<Branches> branches = simplify(steps, context);
    result.selects_nothing = branches[0].begin == kRejected;
    if (branches[0].begin < steps.size()) {
        result.bytecode = assemble(instructions_of(steps, branches));
    }
    return result;
}

} // namespace tcpledger
