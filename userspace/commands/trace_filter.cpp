// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/trace_filter.hpp"

#include <algorithm>

namespace tcpledger {
namespace {

bool admits(const std::vector<std::uint16_t>& ports, std::uint16_t port)
{
    return ports.empty() || std::ranges::find(ports, port) != ports.end();
}

} // namespace

void TraceFilter::pass(const TraceLine& line, const std::function<void(const TraceLine&)>& show)
{
    const bool port_to_come = line.tuple.local.port == 0 && line.new_state == TcpState::kSynSent;
    if (port_to_come && !options_.local_ports.empty()) {
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
    return (!options_.pid || line.pid == options_.pid) && !(options_.only_ipv4 && !ipv4) &&
           !(options_.only_ipv6 && ipv4) && admits(options_.local_ports, line.tuple.local.port) &&
           admits(options_.remote_ports, line.tuple.remote.port);
}

} // namespace tcpledger
