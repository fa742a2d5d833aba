// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/trace_filter.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <utility>
#include <variant>

namespace tcpledger {
namespace {

/// Connections that wait for their port; each does so for microseconds.
constexpr std::size_t kMostWaiting = 100'000;

bool admits(const std::vector<std::uint16_t>& ports, std::uint16_t port)
{
    return ports.empty() || std::ranges::find(ports, port) != ports.end();
}

bool asks_container(const FilterStep& step)
{
    return std::holds_alternative<filter::ContainerTest>(step.test);
}

SocketView view_of(const TraceLine& line)
{
    SocketView view;
    view.tuple = line.tuple;
    view.family = line.family;
    view.state = line.new_state;
    view.inode = line.inode;
    view.cookie = line.cookie;
    view.uid = line.uid;
    view.cgroup_id = line.cgroup_id;
    view.unaccepted = line.unaccepted;
    view.mark = line.mark;
    view.interface_index = line.interface_index;
    view.port_origin = line.port_origin;
    if (line.how != How::kUnknown) {
        view.owner = ProcessView{line.pid.value_or(0), line.comm};
    }
    view.age = line.time_in_old_state;
    return view;
}

std::vector<tl_case> of_ports(const std::vector<std::uint16_t>& ports,
                              std::uint16_t tl_case::* from, std::uint16_t tl_case::* to)
{
    std::vector<tl_case> cases;
    for (const std::uint16_t port : ports) {
        tl_case& one = cases.emplace_back(any_case());
        one.*from = one.*to = port;
    }
    return cases.size() <= TL_MAX_CASES ? cases : std::vector<tl_case>();
}

} // namespace

std::vector<tl_case> kernel_cases(const TraceOptions& options, const Filter& filter)
{
    std::vector<tl_case> cases = cases_of(filter);
    if (options.pid || options.only_ipv4 || options.only_ipv6) {
        tl_case letters = any_case();
        letters.pid = options.pid.value_or(0);
        letters.address_family = options.only_ipv4   ? AF_INET
                                 : options.only_ipv6 ? AF_INET6
                                                     : AF_UNSPEC;
        cases = both({letters}, cases);
    }
    cases = both(of_ports(options.local_ports, &tl_case::local_port_min, &tl_case::local_port_max),
                 cases);
    return both(
        of_ports(options.remote_ports, &tl_case::remote_port_min, &tl_case::remote_port_max),
        cases);
}

TraceFilter::TraceFilter(const TraceOptions& options, Filter filter, Containers containers,
                         Namespaces namespaces)
    : options_(options), filter_(std::move(filter)),
      asks_local_port_(
          !options.local_ports.empty() ||
          std::ranges::any_of(filter_.steps(), filter::asks_local_end, &FilterStep::test))
{
    if (std::ranges::any_of(filter_.steps(), asks_container)) {
        containers_ = std::move(containers);
    }
    if (std::ranges::any_of(filter_.steps(), filter::asks_namespace, &FilterStep::test)) {
        namespaces_ = std::move(namespaces);
    }
}

void TraceFilter::pass(const TraceLine& line, const std::function<void(const TraceLine&)>& show)
{
    const bool port_to_come = line.tuple.local.port == 0 && line.new_state == TcpState::kSynSent;
    if (port_to_come && asks_local_port_) {
        if (waiting_.size() >= kMostWaiting) {
            waiting_.erase(waiting_.begin()); // its next transition was lost, most likely
        }
        waiting_[line.cookie] = line;
        return;
    }
    if (const auto first = waiting_.find(line.cookie); first != waiting_.end()) {
        TraceLine completed = std::move(first->second);
        waiting_.erase(first);
        completed.tuple = line.tuple;
        if (matches(completed)) {
            show(completed);
        }
    }
    if (matches(line)) {
        show(line);
    }
}

bool TraceFilter::matches(const TraceLine& line) const
{
    // A connect() to a mapped address has no local one yet.
    const Endpoint& known = line.tuple.remote.port != 0 ? line.tuple.remote : line.tuple.local;
    const bool ipv4 = known.address.is_ipv4();
    const bool other_family = ipv4 ? options_.only_ipv6 : options_.only_ipv4;
    const bool by_letters = (!options_.pid || line.pid == options_.pid) && !other_family &&
                            admits(options_.local_ports, line.tuple.local.port) &&
                            admits(options_.remote_ports, line.tuple.remote.port);
    if (!by_letters || filter_.empty()) {
        return by_letters;
    }
    SocketView view = view_of(line);
    if (containers_ && line.pid) {
        view.container = containers_(line.process);
    }
    if (namespaces_) {
        namespaces_(view);
    }
    return filter_.matches(view);
}

} // namespace tcpledger
