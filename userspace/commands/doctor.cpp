// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `doctor`: what this kernel and these privileges allow, and what that costs in truth.
#include "commands/commands.hpp"
#include "kernel/abilities.hpp"
#include "kernel/cost_probe.hpp"
#include "kernel/tracer.hpp"
#include "output/format.hpp"
#include "output/json.hpp"
#include "output/stream.hpp"
#include "output/table.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tcpledger {
namespace {

struct CapabilityRow {
    const char* name;
    bool held;
    const char* meaning;
};

struct Diagnosis {
    KernelFacts kernel;
    std::vector<CapabilityRow> capabilities;
    Expected<void> can_trace;
    std::vector<ProgramCheck> programs;
    Expected<EventCost> cost;
    std::size_t ring_bytes = 0;
};

std::vector<CapabilityRow> capability_rows(const HeldCapabilities& held)
{
    return {
        {"CAP_BPF", held.bpf || held.sys_admin, "load the programs"},
        {"CAP_PERFMON", held.perfmon || held.sys_admin, "attach them to the tracepoint"},
        {"CAP_NET_ADMIN", held.net_admin, "socket marks in dumps"},
        {"CAP_SYS_PTRACE", held.sys_ptrace, "see other users' processes and their namespaces"},
        {"CAP_SYS_ADMIN", held.sys_admin, "enter other network namespaces"},
        {"CAP_DAC_READ_SEARCH", held.dac_read_search, "read other users' /proc entries"},
        {"CAP_SYS_NICE", held.sys_nice, "keep reading where others want all of the CPUs"},
    };
}

Diagnosis diagnose()
{
    Diagnosis diagnosis{kernel_facts(), {}, {}, {}, EventCost{}, 0};
    const HeldCapabilities held = held_capabilities();
    diagnosis.capabilities = capability_rows(held);
    diagnosis.can_trace = check_can_trace(diagnosis.kernel, held);
    diagnosis.ring_bytes = default_ring_bytes(std::max(1U, std::thread::hardware_concurrency()));
    if (held.can_trace()) {
        diagnosis.programs = check_programs();
        for (const ProgramCheck& program : diagnosis.programs) {
            if (program.required && !program.loads && diagnosis.can_trace) {
                diagnosis.can_trace = tl::unexpected(Error{
                    ErrorKind::kUnsupported, 0, "cannot trace: " + program.name, program.reason});
            }
        }
        diagnosis.cost = measure_event_cost();
    } else {
        diagnosis.cost = tl::unexpected(diagnosis.can_trace.error());
    }
    return diagnosis;
}

std::string render(const Diagnosis& diagnosis, const Painter& painter)
{
    const KernelFacts& kernel = diagnosis.kernel;
    const auto yes = [](bool value) { return value ? "yes" : "no"; };
    std::string text = fmt::format(
        "kernel      {}\nBTF         {}\nlockdown    {}\ntracepoint  {}\nlibbpf      {}\n"
        "ring        {} by default\n\n",
        kernel.release, yes(kernel.has_btf),
        kernel.lockdown.empty() ? "unknown (no securityfs)" : kernel.lockdown,
        kernel.has_state_tracepoint ? "inet_sock_set_state" : "missing", kernel.libbpf,
        format_bytes(diagnosis.ring_bytes));

    Table capabilities({{"CAPABILITY"}, {"HELD"}, {"FOR"}});
    for (const CapabilityRow& row : diagnosis.capabilities) {
        capabilities.add_row(
            {row.name, Cell(yes(row.held), row.held ? Style::kGood : Style::kBad), row.meaning});
    }
    text += capabilities.render(painter) + "\n";

    if (!diagnosis.programs.empty()) {
        Table programs({{"PROGRAM"}, {"LOADS"}, {"WHAT IT TELLS"}, {"WITHOUT IT"}, {"WHY NOT"}});
        for (const ProgramCheck& program : diagnosis.programs) {
            programs.add_row({program.name,
                              Cell(yes(program.loads), program.loads ? Style::kGood : Style::kBad),
                              program.gives, program.instead, program.reason});
        }
        text += programs.render(painter) + "\n";
    }
    if (diagnosis.cost) {
        text += fmt::format("cost        an empty program {:.0f} ns, ours {:.0f} ns an event "
                            "({:.1f} x), over {} events\n",
                            diagnosis.cost->empty_ns, diagnosis.cost->ours_ns,
                            diagnosis.cost->ours_ns / diagnosis.cost->empty_ns,
                            format_count(diagnosis.cost->events));
    } else {
        text += "cost        not measured: " + diagnosis.cost.error().message() + "\n";
    }
    const auto refines = [](const ProgramCheck& program) { return program.refines; };
    const auto refined = [](const ProgramCheck& program) {
        return program.refines && program.loads;
    };
    const auto of = std::ranges::count_if(diagnosis.programs, refines);
    const auto loaded = std::ranges::count_if(diagnosis.programs, refined);
    if (of > 0) {
        text += fmt::format("hooks       {} of {} refinements load{}\n", loaded, of,
                            loaded < of ? "; the next sweep tells the rest" : "");
    }
    text += diagnosis.can_trace ? "verdict     tracing works here\n"
                                : "verdict     " + diagnosis.can_trace.error().message() + "\n";
    return text;
}

void write_json(JsonWriter& json, const Diagnosis& diagnosis)
{
    json.begin_object().field("version", 1);
    json.field("kernel", diagnosis.kernel.release).field("btf", diagnosis.kernel.has_btf);
    json.field("state_tracepoint", diagnosis.kernel.has_state_tracepoint);
    diagnosis.kernel.lockdown.empty() ? json.null_field("lockdown")
                                      : json.field("lockdown", diagnosis.kernel.lockdown);
    json.field("ring_bytes", diagnosis.ring_bytes);
    json.key("capabilities").begin_object();
    for (const CapabilityRow& row : diagnosis.capabilities) {
        json.field(row.name, row.held);
    }
    json.end_object().key("programs").begin_array();
    for (const ProgramCheck& program : diagnosis.programs) {
        json.begin_object().field("name", program.name).field("loads", program.loads);
        program.loads ? json.null_field("reason") : json.field("reason", program.reason);
        json.field("meaning", program.gives).field("without_it", program.instead).end_object();
    }
    json.end_array();
    const auto cost = [&](double EventCost::* figure) {
        return diagnosis.cost ? std::optional((*diagnosis.cost).*figure) : std::nullopt;
    };
    json.field("empty_program_ns", cost(&EventCost::empty_ns));
    json.field("our_program_ns", cost(&EventCost::ours_ns));
    json.field("can_trace", diagnosis.can_trace.has_value());
    diagnosis.can_trace ? json.null_field("why_not")
                        : json.field("why_not", diagnosis.can_trace.error().message());
    json.end_object();
}

} // namespace

ExitStatus run(const DoctorOptions& options)
{
    const Diagnosis diagnosis = diagnose();
    Expected<LineStream> stream = LineStream::open(STDOUT_FILENO, {.when_full = WhenFull::kWait});
    if (!stream) {
        return fail(stream.error());
    }
    if (options.common.json) {
        JsonWriter json;
        write_json(json, diagnosis);
        stream->write_line(json.take_line());
    } else {
        const Painter painter(
            color_wanted(options.common.color, ColorEnvironment::of(STDOUT_FILENO)));
        stream->write(render(diagnosis, painter));
    }
    stream->close();
    if (stream->error()) {
        return fail(*stream->error());
    }
    return diagnosis.can_trace ? ExitStatus::kDone : ExitStatus::kCannot;
}

} // namespace tcpledger
