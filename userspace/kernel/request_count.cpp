// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/request_count.hpp"

#include "shared/listeners.h" // before the skeleton, which names its type

#include "kernel/load_error.hpp"
#include "listeners.skel.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace tcpledger {
namespace {

struct SkeletonDeleter {
    void operator()(listeners_bpf* skeleton) const { listeners_bpf__destroy(skeleton); }
};

} // namespace

struct RequestCount::Impl {
    std::unique_ptr<listeners_bpf, SkeletonDeleter> skeleton;
};

RequestCount::RequestCount(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RequestCount::RequestCount(RequestCount&&) noexcept = default;
RequestCount& RequestCount::operator=(RequestCount&&) noexcept = default;
RequestCount::~RequestCount() = default;

Expected<RequestCount> RequestCount::open()
{
    auto impl = std::make_unique<Impl>();
    impl->skeleton.reset(listeners_bpf__open_and_load());
    if (!impl->skeleton) {
        return tl::unexpected(load_error(errno, "cannot load iter/tcp"));
    }
    if (const int result = listeners_bpf__attach(impl->skeleton.get()); result != 0) {
        return tl::unexpected(load_error(-result, "cannot attach iter/tcp"));
    }
    return RequestCount(std::move(impl));
}

Expected<UniqueFd> RequestCount::begin() const
{
    UniqueFd walk(bpf_iter_create(bpf_link__fd(impl_->skeleton->links.iter__tcp)));
    if (!walk.valid()) {
        return tl::unexpected(Error::from_errno("cannot start iter/tcp"));
    }
    return walk;
}

Expected<std::uint64_t> RequestCount::take(const UniqueFd& walk, std::uint32_t listeners) const
{
    volatile tl_listeners& shared = impl_->skeleton->bss->listeners;
    shared.requests = 0;
    shared.seen = 0;
    shared.expected = listeners;
    char nothing = 0; // the program writes none
    const ssize_t got = ::read(walk.get(), &nothing, sizeof(nothing));
    if (got < 0 && errno != EAGAIN) {
        return tl::unexpected(Error::from_errno("cannot read iter/tcp"));
    }
    return shared.requests;
}

} // namespace tcpledger
