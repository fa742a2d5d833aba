// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/accepts.hpp"

#include "accepts.skel.h"
#include "base/error.hpp"
#include "kernel/load_error.hpp"
#include "kernel/share_stacks.hpp"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <utility>

namespace tcpledger {
namespace {

struct SkeletonDeleter {
    void operator()(accepts_bpf* skeleton) const { accepts_bpf__destroy(skeleton); }
};
using Skeleton = std::unique_ptr<accepts_bpf, SkeletonDeleter>;

Expected<Skeleton> load(const SharedStacks& stacks)
{
    Skeleton skeleton(accepts_bpf__open());
    if (!skeleton || !share_stacks(*skeleton, stacks)) {
        return tl::unexpected(load_error(errno, "cannot open the BPF object of accepts"));
    }
    if (const int result = accepts_bpf__load(skeleton.get()); result != 0) {
        return tl::unexpected(load_error(-result, "cannot load tp_btf/sys_exit"));
    }
    if (const int result = accepts_bpf__attach(skeleton.get()); result != 0) {
        return tl::unexpected(load_error(-result, "cannot attach tp_btf/sys_exit"));
    }
    return skeleton;
}

} // namespace

struct AcceptStacks::Impl {
    Skeleton skeleton;
};

AcceptStacks::AcceptStacks(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AcceptStacks::AcceptStacks(AcceptStacks&&) noexcept = default;
AcceptStacks& AcceptStacks::operator=(AcceptStacks&&) noexcept = default;
AcceptStacks::~AcceptStacks() = default;

AcceptStacks AcceptStacks::open(const SharedStacks& stacks)
{
    Expected<Skeleton> skeleton = load(stacks);
    if (!skeleton) {
        spdlog::debug("{}; what is accepted has no stack", skeleton.error().message());
        return AcceptStacks(nullptr);
    }
    return AcceptStacks(std::make_unique<Impl>(Impl{std::move(*skeleton)}));
}

} // namespace tcpledger
