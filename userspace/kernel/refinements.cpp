// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/refinements.hpp"

#include "base/unique_fd.hpp"
#include "kernel/kernel_types.hpp"
#include "kernel/load_error.hpp"
#include "kernel/program_losses.hpp"
#include "kernel/select_cases.hpp"
#include "kernel/share_stacks.hpp"
#include "refined.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tcpledger {
namespace {

struct SkeletonDeleter {
    void operator()(refined_bpf* skeleton) const { refined_bpf__destroy(skeleton); }
};
using Skeleton = std::unique_ptr<refined_bpf, SkeletonDeleter>;
using Entries = std::vector<const ProgramEntry*>;

struct LinkDeleter {
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};

Error missing(const ProgramEntry& entry, const std::string& reason)
{
    return {ErrorKind::kUnsupported, 0, std::string("cannot have ") + entry.section, reason};
}

/// Asks with the smallest program there is: to open ours takes a fifth of the start.
bool allows_trampolines(const KernelTypes& types, const ProgramEntry& entry)
{
    constexpr std::array<bpf_insn, 2> kReturnZero = {
        {{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}}};
    LIBBPF_OPTS(bpf_prog_load_opts, options);
    options.expected_attach_type = BPF_TRACE_FEXIT;
    options.attach_btf_id = types.id(entry.function, BTF_KIND_FUNC);
    const UniqueFd program(bpf_prog_load(BPF_PROG_TYPE_TRACING, "trampoline", "GPL",
                                         kReturnZero.data(), kReturnZero.size(), &options));
    if (program.valid() || errno != EPERM) {
        return true;
    }
    spdlog::debug("{}",
                  trampoline_error(errno, std::string("cannot load ") + entry.section).message());
    return false;
}

/// Loads these programs of the object and no others.
Expected<Skeleton> load(const Entries& wanted, const SharedRings& rings)
{
    Skeleton skeleton(refined_bpf__open());
    if (!skeleton) {
        return tl::unexpected(load_error(errno, "cannot open the refinements' BPF object"));
    }
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, skeleton->obj)
    {
        const std::string_view name = bpf_program__name(program);
        bpf_program__set_autoload(program, std::ranges::any_of(wanted, [&](const auto* entry) {
                                      return entry->program == name;
                                  }));
    }
    skeleton->rodata->wakeup_bytes = rings.wakeup_bytes;
    skeleton->rodata->ring_mask = rings.ring_mask;
    skeleton->rodata->tell_bindings = rings.bindings;
    select_cases(*skeleton->rodata, rings.cases);
    (void)bpf_map__set_max_entries(skeleton->maps.records, rings.ring_mask + 1);
    if (bpf_map__reuse_fd(skeleton->maps.records, rings.records_fd) != 0 ||
        bpf_map__reuse_fd(skeleton->maps.counters, rings.counters_fd) != 0 ||
        !share_stacks(*skeleton, rings.stacks)) {
        return tl::unexpected(load_error(errno, "cannot share the tracer's maps"));
    }
    if (const int result = refined_bpf__load(skeleton.get()); result != 0) {
        return tl::unexpected(trampoline_error(
            -result, std::string("cannot load ") +
                         (wanted.size() == 1 ? wanted[0]->section : "the refinements")));
    }
    return skeleton;
}

} // namespace

struct Refinements::Impl {
    Skeleton skeleton;
    std::vector<std::unique_ptr<bpf_link, LinkDeleter>> links;
    std::vector<Tells> told;

    /// Attaches what of `wanted` was loaded; the first failure, if there was one.
    std::optional<Error> attach(const Entries& wanted)
    {
        std::optional<Error> first;
        for (const ProgramEntry* entry : wanted) {
            bpf_program* program = bpf_object__find_program_by_name(skeleton->obj, entry->program);
            std::unique_ptr<bpf_link, LinkDeleter> link(bpf_program__attach(program));
            if (link) {
                links.push_back(std::move(link));
                told.push_back(entry->tells);
                continue;
            }
            Error error = trampoline_error(errno, std::string("cannot attach ") + entry->section);
            spdlog::debug("{}; instead: {}", error.message(), entry->falls_back_to);
            first = first ? first : std::optional(std::move(error));
        }
        return first;
    }
};

Refinements::Refinements(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Refinements::Refinements(Refinements&&) noexcept = default;
Refinements& Refinements::operator=(Refinements&&) noexcept = default;
Refinements::~Refinements() = default;

Expected<Refinements> Refinements::open(HookMode mode, const SharedRings& rings)
{
    auto impl = std::make_unique<Impl>();
    if (mode == HookMode::kTracepoints) {
        return Refinements(std::move(impl));
    }
    const bool insist = mode == HookMode::kFentry;
    const KernelTypes types = KernelTypes::read();
    const ParameterLookup lookup = [&](const char* name) { return types.parameters(name); };
    Entries wanted = choose_programs(BpfObject::kRefined, lookup);
    for (const ProgramEntry* entry : wanted) {
        const std::string why_not = misfit(*entry, lookup);
        if (!why_not.empty() && insist) {
            return tl::unexpected(missing(*entry, why_not));
        }
    }
    std::erase_if(wanted, [&](const auto* entry) { return !misfit(*entry, lookup).empty(); });
    if (wanted.empty() || (!insist && !allows_trampolines(types, *wanted.front()))) {
        return Refinements(std::move(impl));
    }
    Expected<Skeleton> skeleton = load(wanted, rings);
    if (!skeleton && insist) {
        return tl::unexpected(skeleton.error());
    }
    if (!skeleton) {
        // One that this kernel refuses must not take the others along.
        spdlog::debug("{}", skeleton.error().message());
        std::erase_if(wanted, [&](const auto* entry) { return !load({entry}, rings); });
        if (!wanted.empty()) {
            skeleton = load(wanted, rings);
        }
    }
    if (!skeleton) {
        return Refinements(std::move(impl));
    }
    impl->skeleton = std::move(*skeleton);
    if (std::optional<Error> error = impl->attach(wanted); error && insist) {
        return tl::unexpected(std::move(*error));
    }
    return Refinements(std::move(impl));
}

bool Refinements::tell(Tells what) const
{
    return std::ranges::find(impl_->told, what) != impl_->told.end();
}

std::uint64_t Refinements::recursion_misses() const
{
    return impl_->skeleton ? recursion_misses_of(impl_->skeleton->obj) : 0;
}

} // namespace tcpledger
