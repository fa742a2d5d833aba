// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/resets.hpp"

#include "kernel/kernel_types.hpp"
#include "kernel/load_error.hpp"
#include "kernel/program_losses.hpp"
#include "resets.skel.h"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <utility>

namespace tcpledger {
namespace {

struct SkeletonDeleter {
    void operator()(resets_bpf* skeleton) const { resets_bpf__destroy(skeleton); }
};
using Skeleton = std::unique_ptr<resets_bpf, SkeletonDeleter>;

Expected<Skeleton> load(const SharedRings& rings)
{
    Skeleton skeleton(resets_bpf__open());
    if (!skeleton) {
        return tl::unexpected(load_error(errno, "cannot open the BPF object of resets"));
    }
    skeleton->rodata->wakeup_bytes = rings.wakeup_bytes;
    skeleton->rodata->ring_mask = rings.ring_mask;
    (void)bpf_map__set_max_entries(skeleton->maps.records, rings.ring_mask + 1);
    if (bpf_map__reuse_fd(skeleton->maps.records, rings.records_fd) != 0 ||
        bpf_map__reuse_fd(skeleton->maps.counters, rings.counters_fd) != 0) {
        return tl::unexpected(load_error(errno, "cannot share the tracer's maps"));
    }
    if (const int result = resets_bpf__load(skeleton.get()); result != 0) {
        return tl::unexpected(load_error(-result, "cannot load the BPF programs of resets"));
    }
    if (const int result = resets_bpf__attach(skeleton.get()); result != 0) {
        return tl::unexpected(load_error(-result, "cannot attach to the tracepoints of resets"));
    }
    return skeleton;
}

} // namespace

struct Resets::Impl {
    Skeleton skeleton;
};

Resets::Resets(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Resets::Resets(Resets&&) noexcept = default;
Resets& Resets::operator=(Resets&&) noexcept = default;
Resets::~Resets() = default;

Resets Resets::open(const SharedRings& rings)
{
    Expected<Skeleton> skeleton = load(rings);
    if (!skeleton) {
        spdlog::debug("{}; instead: the socket's error", skeleton.error().message());
        return Resets(nullptr);
    }
    auto impl = std::make_unique<Impl>();
    impl->skeleton = std::move(*skeleton);
    return Resets(std::move(impl));
}

std::uint64_t Resets::recursion_misses() const
{
    return impl_ ? recursion_misses_of(impl_->skeleton->obj) : 0;
}

ResetReasons ResetReasons::read()
{
    constexpr std::string_view kPrefix = "SK_RST_REASON_";
    ResetReasons reasons;
    for (auto& [number, name] : KernelTypes::read().enumerators("sk_rst_reason")) {
        std::string shown = name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
        for (char& letter : shown) {
            letter =
                letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
        }
        reasons.names_.emplace(number, std::move(shown));
    }
    return reasons;
}

std::string_view ResetReasons::name(std::uint32_t reason) const
{
    const auto found = names_.find(reason);
    return found != names_.end() ? std::string_view(found->second) : std::string_view();
}

} // namespace tcpledger
