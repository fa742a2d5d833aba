// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/cost_probe.hpp"

#include "base/unique_fd.hpp"
#include "empty.skel.h"
#include "kernel/load_error.hpp"
#include "kernel/tracer.hpp"

#include <bpf/bpf.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <future>
#include <memory>

namespace tcpledger {
namespace {

constexpr int kConnections = 1500;
constexpr std::chrono::milliseconds kDrainPeriod{20};

struct EmptyDeleter {
    void operator()(empty_bpf* skeleton) const { empty_bpf__destroy(skeleton); }
};
using Empty = std::unique_ptr<empty_bpf, EmptyDeleter>;

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

/// In a namespace of its own, so that no port and no counter of the host is touched. The
/// tracer's rings are drained meanwhile, as they are while tracing.
bool make_private_connections(int count, Tracer& tracer)
{
    auto made = std::async(std::launch::async, [count] {
        return ::unshare(CLONE_NEWNET) == 0 && bring_up_loopback() && make_connections(count);
    });
    while (made.wait_for(kDrainPeriod) != std::future_status::ready) {
        tracer.drain([](const void*, std::size_t) {});
    }
    return made.get();
}

ProgramTime time_of(int program_fd)
{
    bpf_prog_info info{};
    std::uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(program_fd, &info, &size) != 0) {
        return {};
    }
    return {std::chrono::nanoseconds(info.run_time_ns), info.run_cnt};
}

double ns_per_run(const ProgramTime& time)
{
    return time.runs == 0
               ? 0
               : static_cast<double>(time.total.count()) / static_cast<double>(time.runs);
}

} // namespace

Expected<EventCost> measure_event_cost()
{
    const UniqueFd statistics(bpf_enable_stats(BPF_STATS_RUN_TIME));
    if (!statistics.valid()) {
        return tl::unexpected(load_error(errno, "cannot have the kernel time BPF programs"));
    }
    const Empty empty(empty_bpf__open_and_load());
    if (!empty || empty_bpf__attach(empty.get()) != 0) {
        return tl::unexpected(load_error(errno, "cannot load the program to compare with"));
    }
    auto tracer = Tracer::open({});
    if (!tracer) {
        return tl::unexpected(tracer.error());
    }
    if (!make_private_connections(kConnections, *tracer)) {
        return tl::unexpected(
            Error::from_errno("cannot make connections in a network namespace of my own"));
    }
    EventCost cost;
    const ProgramTime ours = tracer->program_time();
    cost.empty_ns = ns_per_run(time_of(bpf_program__fd(empty->progs.tp_btf__empty)));
    cost.ours_ns = ns_per_run(ours);
    cost.events = ours.runs;
    return cost;
}

} // namespace tcpledger
