// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/host_names.hpp"

#include "kernel/abilities.hpp"
#include "output/escape.hpp"
#include "procfs/net.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

namespace tcpledger {
namespace {

std::optional<std::uint32_t> whole_number(std::string_view text)
{
    std::uint32_t number = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    return error == std::errc{} && rest == end ? std::optional(number) : std::nullopt;
}

/// The inode number behind the name (of /run/netns), number or path.
std::optional<std::uint32_t> netns_number(const std::string& word)
{
    if (const auto number = whole_number(word)) {
        return number;
    }
    const std::string path = word.find('/') != std::string::npos ? word : "/run/netns/" + word;
    struct stat status{};
    if (word.empty() || ::stat(path.c_str(), &status) != 0) {
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(status.st_ino);
}

/// Of TCP or else of UDP, as ss looks them up.
std::optional<std::uint16_t> service_port(std::string_view name)
{
    const std::string text(name);
    for (const char* protocol : {"tcp", "udp"}) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): asked by the thread that reads the options
        if (const servent* entry = ::getservbyname(text.c_str(), protocol)) {
            return ntohs(static_cast<std::uint16_t>(entry->s_port));
        }
    }
    return std::nullopt;
}

std::vector<IpAddress> host_addresses(std::string_view name)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM; // else each address comes once a socket type
    addrinfo* found = nullptr;
    if (::getaddrinfo(std::string(name).c_str(), nullptr, &hints, &found) != 0) {
        return {};
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, &::freeaddrinfo);
    std::vector<IpAddress> addresses;
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
        if (entry->ai_family == AF_INET) {
            const auto* ipv4 = reinterpret_cast<const sockaddr_in*>(entry->ai_addr);
            addresses.push_back(IpAddress::from_ipv4_be(ipv4->sin_addr.s_addr));
        } else if (entry->ai_family == AF_INET6) {
            const auto* ipv6 = reinterpret_cast<const sockaddr_in6*>(entry->ai_addr);
            addresses.push_back(IpAddress::from_bytes(&ipv6->sin6_addr));
        }
    }
    return addresses;
}

/// Asks inside a namespace; 0 where it has no such interface or cannot be entered.
std::uint32_t index_inside(const NetworkNamespace& netns, const std::string& name)
{
    std::uint32_t index = 0;
    const auto entered =
        enter_namespace(netns.fd.get(), [&] { index = ::if_nametoindex(name.c_str()); });
    return entered ? index : ::if_nametoindex(name.c_str());
}

} // namespace

Expected<NamespaceList> choose_namespaces(const std::optional<std::string>& word)
{
    Expected<NamespaceList> list = list_namespaces();
    if (!list) {
        return list;
    }
    auto& namespaces = list->namespaces;
    const bool all = word ? *word == "all" : held_capabilities().can_enter_namespaces();
    if (all) {
        return list;
    }
    list->denied_count = 0; // what was not asked for is not missing
    if (!word || *word == "self") {
        namespaces.resize(1);
        return list;
    }
    const auto number = netns_number(*word);
    const auto found = std::ranges::find(namespaces, number.value_or(0), &NetworkNamespace::inum);
    if (!number || found == namespaces.end()) {
        return tl::unexpected(
            Error{ErrorKind::kUsage, 0, "no network namespace \"" + visible(*word) + "\"",
                  "all, self, a name of `ip netns list`, an inode number or a path"});
    }
    if (found != namespaces.begin()) {
        std::swap(namespaces.front(), *found);
    }
    namespaces.resize(1);
    return list;
}

Names HostNames::names_in(const NetworkNamespace* netns)
{
    Names names;
    names.service_port = service_port;
    names.interface_index = [this, netns](std::string_view name) {
        return interface_index(netns, std::string(name));
    };
    names.cgroup_id = [this](std::string_view path) { return cgroups_.id_of(path); };
    names.netns_inum = [](std::string_view name) { return netns_number(std::string(name)); };
    names.host_addresses = host_addresses;
    return names;
}

std::optional<std::uint32_t> HostNames::interface_index(const NetworkNamespace* netns,
                                                        const std::string& name) const
{
    if (netns != nullptr) {
        if (const std::uint32_t index = index_inside(*netns, name); index != 0) {
            return index;
        }
    }
    const bool elsewhere =
        std::ranges::any_of(namespaces_.namespaces, [&](const NetworkNamespace& other) {
            return index_inside(other, name) != 0;
        });
    return elsewhere ? std::optional(kNoInterface) : std::nullopt;
}

const std::optional<std::string>& HostNames::interface_name(const NetworkNamespace& netns,
                                                            std::uint32_t index)
{
    const std::pair key(netns.inum, index);
    const auto known = interfaces_.find(key);
    if (known != interfaces_.end()) {
        return known->second;
    }
    std::array<char, IF_NAMESIZE> name{};
    bool found = false;
    const auto ask = [&] { found = ::if_indextoname(index, name.data()) != nullptr; };
    if (const auto entered = enter_namespace(netns.fd.get(), ask); !entered) {
        ask(); // our own, which need not be entered
    }
    return interfaces_.emplace(key, found ? std::optional<std::string>(name.data()) : std::nullopt)
        .first->second;
}

PortRange own_port_range()
{
    const auto numbers = Sysctls().numbers("net.ipv4.ip_local_port_range");
    if (!numbers || numbers->size() != 2) {
        return {};
    }
    return {static_cast<std::uint16_t>(numbers->front()),
            static_cast<std::uint16_t>(numbers->back())};
}

PortRange local_port_range(const NetworkNamespace& netns)
{
    PortRange range;
    const auto read = [&] { range = own_port_range(); };
    if (const auto entered = enter_namespace(netns.fd.get(), read); !entered) {
        read();
    }
    return range;
}

} // namespace tcpledger
