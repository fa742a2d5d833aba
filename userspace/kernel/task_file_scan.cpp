// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/task_file_scan.hpp"

#include "base/unique_fd.hpp"
#include "holders.skel.h"
#include "kernel/load_error.hpp"
#include "kernel/select_cases.hpp"

#include <bpf/bpf.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tcpledger {
namespace {

struct SkeletonDeleter {
    void operator()(holders_bpf* skeleton) const { holders_bpf__destroy(skeleton); }
};

/// The kernel gives up a silent read after a million objects with EAGAIN; the next goes on.
constexpr int kMaxSilentReads = 100'000;

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
        return tl::unexpected(load_error(-result, "cannot load iter/task_file"));
    }
    if (const int result = holders_bpf__attach(impl->skeleton.get()); result != 0) {
        return tl::unexpected(load_error(-result, "cannot attach iter/task_file"));
    }
    return TaskFileScan(std::move(impl));
}

Expected<void> TaskFileScan::run(const std::function<void(const tl_holder&)>& holder) const
{
    const UniqueFd iterator(bpf_iter_create(bpf_link__fd(impl_->skeleton->links.iter__task_file)));
    if (!iterator.valid()) {
        return tl::unexpected(Error::from_errno("cannot start iter/task_file"));
    }
    std::array<tl_holder, 512> rows;
    auto* bytes = reinterpret_cast<char*>(rows.data());
    std::size_t pending = 0; // bytes of a row whose rest comes with the next read
    int silent_reads = 0;
    while (true) {
        const ssize_t got = ::read(iterator.get(), bytes + pending, sizeof(rows) - pending);
        if (got == 0) {
            return {};
        }
        if (got < 0) {
            if ((errno == EAGAIN || errno == EINTR) && ++silent_reads < kMaxSilentReads) {
                continue;
            }
            return tl::unexpected(Error::from_errno("cannot read iter/task_file"));
        }
        silent_reads = 0;
        const std::size_t filled = pending + static_cast<std::size_t>(got);
        const std::size_t whole = filled / sizeof(tl_holder);
        for (std::size_t row = 0; row < whole; ++row) {
            holder(rows[row]);
        }
        pending = filled % sizeof(tl_holder);
        std::memmove(bytes, bytes + whole * sizeof(tl_holder), pending);
    }
}

} // namespace tcpledger
