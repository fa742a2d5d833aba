// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/namespace_lives.hpp"

#include "shared/namespaces.h" // before the skeleton, which names its type

#include "kernel/iterator_rows.hpp"
#include "kernel/load_error.hpp"
#include "namespaces.skel.h"

#include <cerrno>
#include <utility>

namespace tcpledger {
namespace {

struct SkeletonDeleter {
    void operator()(namespaces_bpf* skeleton) const { namespaces_bpf__destroy(skeleton); }
};

} // namespace

struct NamespaceLives::Impl {
    std::unique_ptr<namespaces_bpf, SkeletonDeleter> skeleton;
};

NamespaceLives::NamespaceLives(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NamespaceLives::NamespaceLives(NamespaceLives&&) noexcept = default;
NamespaceLives& NamespaceLives::operator=(NamespaceLives&&) noexcept = default;
NamespaceLives::~NamespaceLives() = default;

Expected<NamespaceLives> NamespaceLives::open(int map_fd)
{
    auto impl = std::make_unique<Impl>();
    impl->skeleton.reset(namespaces_bpf__open());
    if (!impl->skeleton) {
        return tl::unexpected(load_error(errno, "cannot open the iterator's BPF object"));
    }
    namespaces_bpf& skeleton = *impl->skeleton;
    if (bpf_map__reuse_fd(skeleton.maps.namespaces, map_fd) != 0) {
        return tl::unexpected(load_error(errno, "cannot share the tracer's namespaces"));
    }
    if (const int result = namespaces_bpf__load(&skeleton); result != 0) {
        return tl::unexpected(load_error(-result, "cannot load iter/bpf_map_elem"));
    }
    bpf_iter_link_info walked{};
    walked.map.map_fd = static_cast<std::uint32_t>(bpf_map__fd(skeleton.maps.namespaces));
    LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &walked,
                .link_info_len = sizeof(walked));
    skeleton.links.iter__bpf_map_elem =
        bpf_program__attach_iter(skeleton.progs.iter__bpf_map_elem, &options);
    if (skeleton.links.iter__bpf_map_elem == nullptr) {
        return tl::unexpected(load_error(errno, "cannot attach iter/bpf_map_elem"));
    }
    return NamespaceLives(std::move(impl));
}

Expected<std::map<std::uint32_t, bool>> NamespaceLives::ended() const
{
    std::map<std::uint32_t, bool> ended;
    const Expected<void> done = read_rows<tl_namespace_life>(
        impl_->skeleton->links.iter__bpf_map_elem, "iter/bpf_map_elem",
        [&](const tl_namespace_life& life) { ended[life.inum] = life.has_ended != 0; });
    if (!done) {
        return tl::unexpected(done.error());
    }
    return ended;
}

} // namespace tcpledger
