// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "filter/predicate.hpp"

#include "filter/glob.hpp"

#include <algorithm>
#include <cstddef>

namespace tcpledger::filter {
namespace {

constexpr unsigned kMappedPrefixBits = 96;

const Endpoint& endpoint_of(const SocketView& socket, Side side)
{
    return side == Side::kLocal ? socket.tuple.local : socket.tuple.remote;
}

bool of_family(const SocketView& socket, const std::optional<std::uint8_t>& family)
{
    return !family || socket.family == *family;
}

template <typename Number> bool holds(Comparison comparison, Number left, Number right)
{
    switch (comparison) {
    case Comparison::kEqual:
        return left == right;
    case Comparison::kLess:
        return left < right;
    case Comparison::kLessOrEqual:
        return left <= right;
    case Comparison::kGreater:
        return left > right;
    case Comparison::kGreaterOrEqual:
        return left >= right;
    }
    return false;
}

bool same_leading_bits(const IpAddress& left, const IpAddress& right, unsigned bits)
{
    const auto whole = static_cast<std::ptrdiff_t>(bits / 8);
    if (!std::equal(left.bytes.begin(), left.bytes.begin() + whole, right.bytes.begin())) {
        return false;
    }
    const unsigned rest = bits % 8;
    if (rest == 0) {
        return true;
    }
    const auto index = static_cast<std::size_t>(whole);
    const auto differing = static_cast<unsigned>(left.bytes[index] ^ right.bytes[index]);
    return (differing >> (8 - rest)) == 0;
}

bool in_prefix(const SocketView& socket, const IpAddress& address, const AddressPrefix& prefix)
{
    if (prefix.family == AF_INET) {
        return same_leading_bits(address, prefix.address, kMappedPrefixBits + prefix.length_bits);
    }
    return socket.family == AF_INET6 &&
           same_leading_bits(address, prefix.address, prefix.length_bits);
}

/// The owner and each holder.
template <typename Condition> bool any_process(const SocketView& socket, Condition condition)
{
    return (socket.owner && condition(*socket.owner)) ||
           std::any_of(socket.holders.begin(), socket.holders.end(), condition);
}

struct Matcher {
    const SocketView& socket;
    bool negated;

    bool operator()(const HostTest& test) const
    {
        const Endpoint& endpoint = endpoint_of(socket, test.side);
        if (!of_family(socket, test.socket_family) || (test.port && *test.port != endpoint.port)) {
            return false;
        }
        return test.any_of.empty() ||
               std::ranges::any_of(test.any_of, [&](const AddressPrefix& prefix) {
                   return in_prefix(socket, endpoint.address, prefix);
               });
    }
    bool operator()(const PortTest& test) const
    {
        return of_family(socket, test.socket_family) &&
               holds(test.comparison, endpoint_of(socket, test.side).port, test.port);
    }
    bool operator()(const InterfaceTest& test) const
    {
        return socket.interface_index == test.index ||
               (!test.name.empty() && test.name == socket.interface_name);
    }
    bool operator()(const MarkTest& test) const { return (socket.mark & test.mask) == test.value; }
    bool operator()(const CgroupTest& test) const { return socket.cgroup_id == test.id; }
    bool operator()(const AutoboundTest& /*test*/) const
    {
        return negated ? socket.autobound || socket.port_origin == PortOrigin::kChosen
                       : socket.autobound && socket.port_origin != PortOrigin::kGiven;
    }
    bool operator()(const UnacceptedTest& /*test*/) const { return socket.unaccepted; }
    bool operator()(const UidTest& test) const { return socket.uid == test.uid; }
    bool operator()(const InodeTest& test) const { return socket.inode == test.inode; }
    bool operator()(const CookieTest& test) const { return socket.cookie == test.cookie; }
    bool operator()(const NetnsTest& test) const { return socket.tuple.netns_inum == test.inum; }
    bool operator()(const PidTest& test) const
    {
        return any_process(socket, [&](const ProcessView& p) { return p.pid == test.pid; });
    }
    bool operator()(const CommTest& test) const
    {
        return any_process(
            socket, [&](const ProcessView& p) { return glob_matches(test.pattern, p.comm); });
    }
    bool operator()(const OwnerTest& test) const
    {
        return socket.owner && ((test.pid && socket.owner->pid == *test.pid) ||
                                glob_matches(test.pattern, socket.owner->comm));
    }
    bool operator()(const ContainerTest& test) const
    {
        return !socket.container.empty() && glob_matches(test.pattern, socket.container);
    }
    bool operator()(const AgeTest& test) const
    {
        if (!socket.age) {
            return false;
        }
        const bool upward = test.comparison == Comparison::kGreater ||
                            test.comparison == Comparison::kGreaterOrEqual;
        return (upward || !socket.age_is_lower_bound) &&
               holds(test.comparison, *socket.age, test.age);
    }
};

} // namespace

bool matches(const Predicate& predicate, const SocketView& socket, bool negated)
{
    return std::visit(Matcher{socket, negated}, predicate);
}

bool asks_local_end(const Predicate& predicate) noexcept
{
    if (const auto* host = std::get_if<HostTest>(&predicate)) {
        return host->side == Side::kLocal;
    }
    if (const auto* port = std::get_if<PortTest>(&predicate)) {
        return port->side == Side::kLocal;
    }
    return std::holds_alternative<AutoboundTest>(predicate);
}

bool asks_namespace(const Predicate& predicate) noexcept
{
    return std::holds_alternative<InterfaceTest>(predicate) ||
           std::holds_alternative<AutoboundTest>(predicate);
}

} // namespace tcpledger::filter
