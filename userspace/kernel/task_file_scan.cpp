// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/task_file_scan.hpp"

#include "holders.skel.h"
#include "kernel/iterator_rows.hpp"
#include "kernel/load_error.hpp"
#include "kernel/select_cases.hpp"

#include <cerrno>
#include <utility>

namespace tcpledger {
namespace {

struct SkeletonDeleter {
    void operator()(holders_bpf* skeleton) const { holders_bpf__destroy(skeleton); }
};

} // namespace

struct TaskFileScan::Impl {
    std::unique_ptr<holders_bpf, SkeletonDeleter> skeleton;
};

TaskFileScan::TaskFileScan(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TaskFileScan::TaskFileScan(TaskFileScan&&) noexcept = default;
TaskFileScan& TaskFileScan::operator=(TaskFileScan&&) noexcept = default;
TaskFileScan::~TaskFileScan() = default;

Expected<TaskFileScan> TaskFileScan::open(bool want_udp, const SocketMarks& marks)
{
    auto impl = std::make_unique<Impl>();
    impl->skeleton.reset(holders_bpf__open());
    if (!impl->skeleton) {
        return tl::unexpected(load_error(errno, "cannot open the iterator's BPF object"));
    }
    impl->skeleton->rodata->want_udp = want_udp;
    if (marks.map_fd >= 0) {
        select_cases(*impl->skeleton->rodata, marks.cases);
        impl->skeleton->rodata->mark_theirs = true;
        if (bpf_map__reuse_fd(impl->skeleton->maps.marked, marks.map_fd) != 0) {
            return tl::unexpected(load_error(errno, "cannot share the tracer's marks"));
        }
    } else {
        bpf_map__set_autocreate(impl->skeleton->maps.marked, false);
    }
    if (const int result = holders_bpf__load(impl->skeleton.get()); result != 0) {
        return tl::unexpected(load_error(-result, "cannot load iter/task_file and iter/task"));
    }
    if (const int result = holders_bpf__attach(impl->skeleton.get()); result != 0) {
        return tl::unexpected(load_error(-result, "cannot attach iter/task_file and iter/task"));
    }
    return TaskFileScan(std::move(impl));
}

Expected<void> TaskFileScan::run(const std::function<void(const tl_holder&)>& holder) const
{
    return read_rows<tl_holder>(impl_->skeleton->links.iter__task_file, "iter/task_file", holder);
}

Expected<std::set<std::uint32_t>> TaskFileScan::netns() const
{
    std::set<std::uint32_t> inums;
    impl_->skeleton->bss->last_netns_inum = 0;
    const Expected<void> done =
        read_rows<std::uint32_t>(impl_->skeleton->links.iter__task, "iter/task",
                                 [&](std::uint32_t inum) { inums.insert(inum); });
    if (!done) {
        return tl::unexpected(done.error());
    }
    return inums;
}

} // namespace tcpledger
