// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/namespace_facts.hpp"

#include "session/netns_reading.hpp"

#include <net/if.h>

#include <algorithm>
#include <memory>

namespace tcpledger {
namespace {

InterfacesAndPorts read_here()
{
    InterfacesAndPorts facts;
    facts.ports = own_port_range();
    const std::unique_ptr<struct if_nameindex, decltype(&::if_freenameindex)> all(
        ::if_nameindex(), &::if_freenameindex);
    for (const auto* one = all.get(); one != nullptr && one->if_index != 0; ++one) {
        facts.interfaces.emplace(one->if_index, one->if_name);
    }
    return facts;
}

} // namespace

FactsByNamespace read_namespace_facts()
{
    FactsByNamespace facts;
    const Expected<NamespaceList> list = list_namespaces();
    if (!list) {
        facts.emplace(own_netns_inum(), read_here());
        return facts;
    }
    for (const NetworkNamespace& netns : list->namespaces) {
        const int fd = netns.inum == own_netns_inum() ? -1 : netns.fd.get();
        InterfacesAndPorts here;
        if (enter_namespace(fd, [&] { here = read_here(); })) {
            facts.emplace(netns.inum, std::move(here));
        }
    }
    return facts;
}

NamespaceFacts::NamespaceFacts(Read read, Clock clock)
    : read_(std::move(read)), clock_(std::move(clock))
{
}

std::chrono::nanoseconds NamespaceFacts::now()
{
    return std::chrono::steady_clock::now().time_since_epoch();
}

void NamespaceFacts::complete(SocketView& view)
{
    const std::uint32_t inum = view.tuple.netns_inum;
    const std::uint32_t interface = view.interface_index;
    const bool misses = !knows(inum, interface) && !missing_.contains({inum, interface});
    if (misses || clock_() >= next_) {
        read_anew();
        if (!knows(inum, interface)) {
            missing_.emplace(inum, interface);
        }
    }
    const auto facts = known_.find(inum);
    const PortRange ports = facts != known_.end() ? facts->second.ports : PortRange();
    const std::uint16_t port = view.tuple.local.port; // 0: about to be chosen, if it is
    view.autobound = port != 0 ? ports.contains(port) : view.port_origin == PortOrigin::kChosen;
    view.interface_name = {};
    if (interface != 0 && facts != known_.end()) {
        const auto name = facts->second.interfaces.find(interface);
        if (name != facts->second.interfaces.end()) {
            view.interface_name = name->second;
        }
    }
}

bool NamespaceFacts::knows(std::uint32_t netns_inum, std::uint32_t interface_index) const
{
    const auto facts = known_.find(netns_inum);
    return facts != known_.end() &&
           (interface_index == 0 || facts->second.interfaces.contains(interface_index));
}

void NamespaceFacts::read_anew()
{
    const std::chrono::nanoseconds begun = clock_();
    known_ = read_();
    missing_.clear();
    const std::chrono::nanoseconds cost = clock_() - begun;
    next_ = begun + std::max<std::chrono::nanoseconds>(kLasts, cost * kShare);
}

} // namespace tcpledger
