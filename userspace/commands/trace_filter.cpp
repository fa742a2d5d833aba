// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/trace_filter.hpp"

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

/// A test of the local end, which a connect() does not have yet.
bool asks_local(const FilterStep& step)
{
    if (const auto* host = std::get_if<filter::HostTest>(&step.test)) {
        return host->side == filter::Side::kLocal;
    }
    const auto* port = std::get_if<filter::PortTest>(&step.test);
    return port != nullptr && port->side == filter::Side::kLocal;
}

SocketView view_of(const TraceLine& line)
{
    SocketView view;
    view.tuple = line.tuple;
    view.family = line.family;
    view.state = line.new_state;
    view.inode = line.inode;
    view.cookie = line.cookie;
    view.unaccepted = line.unaccepted;
    if (line.how != How::kUnknown) {
        view.owner = ProcessView{line.pid.value_or(0), line.comm};
    }
    view.age = line.time_in_old_state;
    return view;
}

} // namespace

TraceFilter::TraceFilter(const TraceOptions& options, Filter filter, Containers containers)
    : options_(options), filter_(std::move(filter)),
      asks_local_port_(!options.local_ports.empty() ||
                       std::ranges::any_of(filter_.steps(), asks_local))
{
    if (std::ranges::any_of(filter_.steps(), asks_container)) {
        containers_ = std::move(containers);
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
    const bool ipv4 = line.tuple.local.address.is_ipv4();
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
    return filter_.matches(view);
}

} // namespace tcpledger
