// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/abilities.hpp"

#include "shared/listeners.h" // these before the skeletons, which name their types
#include "shared/namespaces.h"
#include "shared/selection.h"

#include "accepts.skel.h"
#include "holders.skel.h"
#include "kernel/kernel_types.hpp"
#include "kernel/libbpf_log.hpp"
#include "kernel/load_error.hpp"
#include "kernel/program_table.hpp"
#include "listeners.skel.h"
#include "namespaces.skel.h"
#include "refined.skel.h"
#include "resets.skel.h"
#include "tracer.skel.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cap-ng.h>
#include <sys/utsname.h>

#include <cerrno>
#include <fstream>
#include <memory>
#include <string_view>
#include <utility>

namespace tcpledger {
namespace {

struct ObjectDeleter {
    void operator()(bpf_object* object) const { bpf_object__close(object); }
};

bool holds(unsigned capability)
{
    return capng_have_capability(CAPNG_EFFECTIVE, capability) != 0;
}

/// The bracketed word of /sys/kernel/security/lockdown.
std::string lockdown_mode(const std::filesystem::path& sys)
{
    std::ifstream file(sys / "kernel/security/lockdown");
    std::string text;
    std::getline(file, text);
    const auto begin = text.find('[');
    const auto end = text.find(']');
    if (begin == std::string::npos || end == std::string::npos || end < begin) {
        return {};
    }
    return text.substr(begin + 1, end - begin - 1);
}

std::string release_of_kernel()
{
    utsname names{};
    return ::uname(&names) == 0 ? names.release : "";
}

/// Loads one program of an object alone, in a fresh object.
ProgramCheck check_program(bpf_object* (*open)(), const ProgramEntry& entry,
                           const ParameterLookup& lookup)
{
    ProgramCheck check{.name = entry.section,
                       .required = entry.required,
                       .refines = entry.object == BpfObject::kRefined,
                       .loads = false,
                       .reason = misfit(entry, lookup),
                       .gives = entry.gives,
                       .instead = entry.falls_back_to};
    const std::unique_ptr<bpf_object, ObjectDeleter> object(open());
    if (!check.reason.empty() || !object) {
        return check;
    }
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object.get())
    {
        bpf_program__set_autoload(program,
                                  std::string_view(bpf_program__name(program)) == entry.program);
    }
    (void)take_libbpf_warnings();
    const int result = bpf_object__load(object.get());
    check.loads = result == 0;
    if (!check.loads) {
        const bool by_trampoline = entry.object == BpfObject::kRefined;
        check.reason = by_trampoline ? trampoline_error(-result, "refused").message()
                                     : load_error(-result, "refused").message();
    }
    return check;
}

/// The object inside a skeleton's bytes, for loading it in part.
template <const void* (*Bytes)(std::size_t*)> bpf_object* open_object()
{
    std::size_t size = 0;
    const void* bytes = Bytes(&size);
    return bpf_object__open_mem(bytes, size, nullptr);
}

} // namespace

HeldCapabilities held_capabilities()
{
    if (capng_get_caps_process() != 0) {
        return {};
    }
    return {.sys_admin = holds(CAP_SYS_ADMIN),
            .bpf = holds(CAP_BPF),
            .perfmon = holds(CAP_PERFMON),
            .net_admin = holds(CAP_NET_ADMIN),
            .sys_ptrace = holds(CAP_SYS_PTRACE),
            .dac_read_search = holds(CAP_DAC_READ_SEARCH) || holds(CAP_DAC_OVERRIDE),
            .sys_nice = holds(CAP_SYS_NICE)};
}

KernelFacts kernel_facts(const KernelRoots& roots)
{
    KernelFacts facts;
    facts.release = release_of_kernel();
    facts.libbpf =
        std::to_string(libbpf_major_version()) + "." + std::to_string(libbpf_minor_version());
    facts.lockdown = lockdown_mode(roots.sys);
    const KernelTypes types = KernelTypes::read(roots.sys);
    facts.has_btf = types.known();
    facts.has_state_tracepoint = types.has("btf_trace_inet_sock_set_state", BTF_KIND_TYPEDEF);
    facts.has_task_file_iterator = types.has("bpf_iter__task_file", BTF_KIND_STRUCT);
    return facts;
}

Expected<void> check_can_trace(const KernelFacts& facts, const HeldCapabilities& held)
{
    if (!held.can_trace()) {
        return tl::unexpected(
            Error{ErrorKind::kNotPermitted, 0, "cannot trace", privileges_hint()});
    }
    if (!facts.has_btf) {
        return tl::unexpected(
            Error{ErrorKind::kUnsupported, 0,
                  "cannot trace: kernel " + facts.release + " has no BTF (/sys/kernel/btf/vmlinux)",
                  "it must be built with CONFIG_DEBUG_INFO_BTF=y"});
    }
    if (!facts.has_state_tracepoint) {
        return tl::unexpected(Error{ErrorKind::kUnsupported, 0,
                                    "cannot trace: kernel " + facts.release +
                                        " has no BTF for the tracepoint inet_sock_set_state",
                                    "it takes Linux 5.12 or newer"});
    }
    return {};
}

std::vector<ProgramCheck> check_programs()
{
    const KernelTypes types = KernelTypes::read();
    const ParameterLookup lookup = [&](const char* name) { return types.parameters(name); };
    constexpr std::pair<BpfObject, bpf_object* (*)()> kObjects[] = {
        {BpfObject::kTracer, open_object<tracer_bpf__elf_bytes>},
        {BpfObject::kHolders, open_object<holders_bpf__elf_bytes>},
        {BpfObject::kListeners, open_object<listeners_bpf__elf_bytes>},
        {BpfObject::kNamespaces, open_object<namespaces_bpf__elf_bytes>},
        {BpfObject::kRefined, open_object<refined_bpf__elf_bytes>},
        {BpfObject::kResets, open_object<resets_bpf__elf_bytes>},
        {BpfObject::kAccepts, open_object<accepts_bpf__elf_bytes>},
    };
    std::vector<ProgramCheck> checks;
    for (const auto& [object, open] : kObjects) {
        for (const ProgramEntry* entry : choose_programs(object, lookup)) {
            checks.push_back(check_program(open, *entry, lookup));
        }
    }
    return checks;
}

} // namespace tcpledger
