// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/abilities.hpp"

#include "holders.skel.h"
#include "kernel/libbpf_log.hpp"
#include "kernel/load_error.hpp"
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

struct BtfDeleter {
    void operator()(btf* types) const { btf__free(types); }
};

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

/// What each program is for, by its section name.
std::string meaning_of(const std::string& section)
{
    static constexpr std::pair<std::string_view, std::string_view> kMeanings[] = {
        {"tp_btf/inet_sock_set_state", "every state transition; without it nothing works"},
        {"tp_btf/sched_process_exit", "ends of processes; without it the next sweep tells"},
        {"tp_btf/sched_process_exec", "new programs under a pid; without it comm may be the old"},
        {"iter/task_file", "who holds which socket; without it /proc is walked instead"},
    };
    for (const auto& [name, meaning] : kMeanings) {
        if (section == name) {
            return std::string(meaning);
        }
    }
    return {};
}

/// Loads the programs of one object one at a time, a fresh object each.
void check_object(bpf_object* (*open)(), std::vector<ProgramCheck>& checks)
{
    const std::unique_ptr<bpf_object, ObjectDeleter> listing(open());
    if (!listing) {
        return;
    }
    bpf_program* listed = nullptr;
    bpf_object__for_each_program(listed, listing.get())
    {
        const std::unique_ptr<bpf_object, ObjectDeleter> object(open());
        bpf_program* program = nullptr;
        bpf_object__for_each_program(program, object.get())
        {
            const bool wanted =
                std::string_view(bpf_program__name(program)) == bpf_program__name(listed);
            bpf_program__set_autoload(program, wanted);
        }
        (void)take_libbpf_warnings();
        const int result = bpf_object__load(object.get());
        ProgramCheck check;
        check.name = bpf_program__section_name(listed);
        check.required = check.name == "tp_btf/inet_sock_set_state";
        check.loads = result == 0;
        check.reason = check.loads ? "" : load_error(-result, "refused").message();
        check.meaning = meaning_of(check.name);
        checks.push_back(std::move(check));
    }
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
            .sys_resource = holds(CAP_SYS_RESOURCE)};
}

KernelFacts kernel_facts(const KernelRoots& roots)
{
    KernelFacts facts;
    facts.release = release_of_kernel();
    facts.libbpf =
        std::to_string(libbpf_major_version()) + "." + std::to_string(libbpf_minor_version());
    facts.lockdown = lockdown_mode(roots.sys);
    const std::string path = roots.sys / "kernel/btf/vmlinux";
    const std::unique_ptr<btf, BtfDeleter> types(btf__parse(path.c_str(), nullptr));
    if (!types) {
        return facts;
    }
    const auto has = [&](const char* name, unsigned kind) {
        return btf__find_by_name_kind(types.get(), name, kind) > 0;
    };
    facts.has_btf = true;
    facts.has_state_tracepoint = has("btf_trace_inet_sock_set_state", BTF_KIND_TYPEDEF);
    facts.has_task_file_iterator = has("bpf_iter__task_file", BTF_KIND_STRUCT);
    facts.has_tcp_iterator = has("bpf_iter__tcp", BTF_KIND_STRUCT);
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
    std::vector<ProgramCheck> checks;
    check_object(open_object<tracer_bpf__elf_bytes>, checks);
    check_object(open_object<holders_bpf__elf_bytes>, checks);
    return checks;
}

} // namespace tcpledger
