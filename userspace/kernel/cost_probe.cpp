// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/cost_probe.hpp"

#include "base/unique_fd.hpp"
#include "empty.skel.h"
#include "kernel/load_error.hpp"
#include "tracer.skel.h"

#include <bpf/bpf.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

namespace tcpledger {
namespace {

constexpr int kConnections = 1500;

template <typename Skeleton, void (*Destroy)(Skeleton*)> struct SkeletonDeleter {
    void operator()(Skeleton* skeleton) const { Destroy(skeleton); }
};
using Empty = std::unique_ptr<empty_bpf, SkeletonDeleter<empty_bpf, empty_bpf__destroy>>;
using Tracing = std::unique_ptr<tracer_bpf, SkeletonDeleter<tracer_bpf, tracer_bpf__destroy>>;

bool bring_up_loopback()
{
    const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strncpy(request.ifr_name, "lo", sizeof(request.ifr_name) - 1);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    return socket.valid() && ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0;
}

/// Opens and closes connections over loopback; false when something failed.
bool make_connections(int count)
{
    const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener.get(), generic, length) != 0 || ::listen(listener.get(), 64) != 0 ||
        ::getsockname(listener.get(), generic, &length) != 0) {
        return false;
    }
    for (int i = 0; i < count; ++i) {
        const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::connect(client.get(), generic, length) != 0) {
            return false;
        }
        const UniqueFd server(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!server.valid()) {
            return false;
        }
    }
    return true;
}

/// In a namespace of its own, so that no port and no counter of the host is touched.
/// Returns 0 or errno.
int make_private_connections(int count)
{
    int error = 0;
    std::thread worker([&] {
        const bool made =
            ::unshare(CLONE_NEWNET) == 0 && bring_up_loopback() && make_connections(count);
        error = made ? 0 : errno;
    });
    worker.join();
    return error;
}

double ns_per_run(int program_fd, std::uint64_t& runs)
{
    bpf_prog_info info{};
    std::uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(program_fd, &info, &size) != 0 || info.run_cnt == 0) {
        return 0;
    }
    runs = info.run_cnt;
    return static_cast<double>(info.run_time_ns) / static_cast<double>(info.run_cnt);
}

} // namespace

Expected<EventCost> measure_event_cost()
{
    const UniqueFd statistics(bpf_enable_stats(BPF_STATS_RUN_TIME));
    if (!statistics.valid()) {
        return tl::unexpected(load_error(errno, "cannot have the kernel time BPF programs"));
    }
    const Empty empty(empty_bpf__open_and_load());
    const Tracing tracing(tracer_bpf__open_and_load());
    if (!empty || !tracing || empty_bpf__attach(empty.get()) != 0 ||
        tracer_bpf__attach(tracing.get()) != 0) {
        return tl::unexpected(load_error(errno, "cannot load the programs to be timed"));
    }
    if (const int error = make_private_connections(kConnections); error != 0) {
        return tl::unexpected(
            Error::from_code(error, "cannot make connections in a network namespace of my own"));
    }
    EventCost cost;
    cost.empty_ns = ns_per_run(bpf_program__fd(empty->progs.tp_btf__empty), cost.events);
    cost.ours_ns =
        ns_per_run(bpf_program__fd(tracing->progs.tp_btf__inet_sock_set_state), cost.events);
    return cost;
}

} // namespace tcpledger
