// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What one opening stack costs: to take in the kernel, to unwind, to name. Opens loopback
// connections from some frames down, with stacks and without, in the namespace it was started in;
// prints JSON. Every stack is taken: how many a second there are at most is not its affair.
#include "loopback.hpp"

#include "kernel/tracer.hpp"
#include "session/stack_programs.hpp"
#include "stacks/helper.hpp"

#include <bpf/bpf.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

namespace tcpledger {
namespace {

using Steady = std::chrono::steady_clock;

/// Together less than the ring of stacks holds.
constexpr int kBatch = 200;
constexpr int kBatches = 8; ///< both runs together: what a queue of 4,096 takes

/// Some frames of some size, so that it is no leaf that connects.
[[gnu::noinline]] bool connect_from(int depth, const sockaddr_in& address)
{
    volatile char room[200];
    std::fill(std::begin(room), std::end(room), static_cast<char>(depth));
    const bool connected =
        depth > 0 ? connect_from(depth - 1, address) : bench::connect_to(address).has_value();
    return connected && room[0] == static_cast<char>(depth);
}

struct Run {
    double ns = 0; ///< of the program on the state tracepoint
    double events = 0;
    double taken = 0;             ///< by it, of whichever process
    std::vector<tl_stack> stacks; ///< of this process
};

void drain(RecordRing& ring, Run& run)
{
    while (ring.look() == RecordRing::Front::kRecord) {
        tl_stack stack{};
        std::memcpy(&stack, ring.record().data(), std::min(ring.record().size(), sizeof(stack)));
        if (stack.tgid == static_cast<std::uint32_t>(::getpid())) {
            run.stacks.push_back(stack);
        }
        run.taken += stack.opening == TL_OPENED_BY_CONNECT ? 1 : 0;
        ring.pop();
        ring.give_back();
    }
}

std::optional<Run> run(bool with_stacks, const sockaddr_in& address)
{
    TracerOptions options;
    options.hooks = HookMode::kTracepoints;
    if (with_stacks) {
        constexpr auto kAll = std::numeric_limits<std::uint32_t>::max();
        options.stacks = StackOptions{0, kAll, kAll};
    }
    Expected<Tracer> tracer = Tracer::open(options);
    if (!tracer) {
        std::fprintf(stderr, "%s\n", tracer.error().message().c_str());
        return std::nullopt;
    }
    std::optional<RecordRing> ring = tracer->take_stack_ring();
    Run result;
    for (int batch = 0; batch < kBatches; ++batch) {
        for (int number = 0; number < kBatch; ++number) {
            if (!connect_from(8, address)) {
                return std::nullopt;
            }
        }
        tracer->drain([](const void*, std::size_t) {});
        if (ring) {
            drain(*ring, result);
        }
    }
    const ProgramTime time = tracer->program_time();
    result.ns = static_cast<double>(time.total.count());
    result.events = static_cast<double>(time.runs);
    return result;
}

double microseconds_since(Steady::time_point begun)
{
    return std::chrono::duration<double, std::micro>(Steady::now() - begun).count();
}

bool measure(const sockaddr_in& address)
{
    const auto without = run(false, address);
    const auto with = run(true, address);
    if (!without || !with || with->stacks.empty()) {
        return false;
    }
    StackPrograms programs({});
    programs.prepare();
    std::optional<StackPrograms::Unwinding> last = programs.unwind(with->stacks.front());
    const auto begun = Steady::now();
    for (const tl_stack& stack : with->stacks) {
        last = programs.unwind(stack);
    }
    const double unwind_us = microseconds_since(begun) / static_cast<double>(with->stacks.size());
    if (!last) {
        return false;
    }
    const auto asked = Steady::now();
    const Stack first = programs.name(last->program, last->unwound);
    const double first_us = microseconds_since(asked);
    const auto again = Steady::now();
    const Stack second = programs.name(last->program, last->unwound);
    const double again_us = microseconds_since(again);
    const double more_ns = with->ns - without->ns * with->events / without->events;
    std::printf("{\"stacks\":%zu,\"frames\":%zu,\"take_ns\":%.0f,\"unwind_us\":%.1f,"
                "\"first_name_us\":%.0f,\"name_us\":%.1f}\n",
                with->stacks.size(), second.frames.size(), more_ns / with->taken, unwind_us,
                first_us, again_us);
    return first == second;
}

} // namespace
} // namespace tcpledger

int main(int argc, char** argv)
{
    using namespace tcpledger;
    if (argc > 1 && std::string_view(argv[1]) == kStackHelperWord) {
        return run_stack_helper();
    }
    const UniqueFd statistics(bpf_enable_stats(BPF_STATS_RUN_TIME));
    const sockaddr_in address = bench::loopback(1, 7000);
    const auto listener = bench::listen_on(address);
    return statistics.valid() && listener && measure(address) ? 0 : 1;
}
