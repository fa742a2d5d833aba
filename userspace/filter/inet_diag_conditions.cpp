// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "filter/inet_diag_conditions.hpp"

#include <linux/inet_diag.h>

#include <span>
#include <utility>
#include <variant>

namespace tcpledger::filter {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Decider {
    const InetDiagContext& context;

    Decision operator()(const HostTest& test) const
    {
        if (!test.socket_family) {
            return test.port || !test.any_of.empty() ? Decision::kByKernel : Decision::kTrue;
        }
        // A condition on AF_INET lets mapped addresses of AF_INET6 sockets pass as well.
        return *test.socket_family == AF_INET6 ? Decision::kByKernel : Decision::kUnknown;
    }
    Decision operator()(const PortTest& test) const
    {
        return test.socket_family ? Decision::kUnknown : Decision::kByKernel;
    }
    Decision operator()(const InterfaceTest& /*test*/) const { return Decision::kByKernel; }
    Decision operator()(const AutoboundTest& /*test*/) const { return Decision::kByKernel; }
    Decision operator()(const MarkTest& /*test*/) const { return if_allowed(context.mark_allowed); }
    Decision operator()(const CgroupTest& /*test*/) const
    {
        return if_allowed(context.cgroup_allowed);
    }
    Decision operator()(const NetnsTest& test) const
    {
        if (!context.netns_inum) {
            return Decision::kUnknown;
        }
        return *context.netns_inum == test.inum ? Decision::kTrue : Decision::kFalse;
    }
    template <typename Other> Decision operator()(const Other& /*test*/) const
    {
        return Decision::kUnknown;
    }

    static Decision if_allowed(bool allowed)
    {
        return allowed ? Decision::kByKernel : Decision::kUnknown;
    }
};

void append(Bytes& bytes, const void* data, std::size_t size)
{
    const auto* begin = static_cast<const std::uint8_t*>(data);
    bytes.insert(bytes.end(), begin, begin + size);
}

template <typename Argument> Bytes instruction(unsigned char code, const Argument& argument)
{
    Bytes bytes;
    const inet_diag_bc_op op{code, 0, 0};
    append(bytes, &op, sizeof(op));
    append(bytes, &argument, sizeof(argument));
    return bytes;
}

/// `prefix`: nullptr for any address.
Bytes host_instruction(const HostTest& test, const AddressPrefix* prefix)
{
    static constexpr IpAddress kAny{};
    inet_diag_hostcond condition{};
    condition.family = test.socket_family.value_or(AF_UNSPEC);
    condition.port = test.port ? *test.port : -1;
    std::span<const std::uint8_t> address;
    if (prefix != nullptr) {
        condition.family = prefix->family;
        condition.prefix_len = prefix->length_bits;
        address = prefix->address.bytes;
        address = prefix->family == AF_INET ? address.last(4) : address;
    } else if (condition.family == AF_INET6) {
        address = kAny.bytes;
    }
    Bytes bytes = instruction(test.side == Side::kLocal ? INET_DIAG_BC_S_COND : INET_DIAG_BC_D_COND,
                              condition);
    append(bytes, address.data(), address.size());
    return bytes;
}

struct Encoder {
    InetDiagConditions operator()(const HostTest& test) const
    {
        InetDiagConditions conditions;
        for (const AddressPrefix& prefix : test.any_of) {
            conditions.any_of.push_back(host_instruction(test, &prefix));
        }
        if (test.any_of.empty()) {
            conditions.any_of.push_back(host_instruction(test, nullptr));
        }
        return conditions;
    }
    InetDiagConditions operator()(const PortTest& test) const
    {
        // The kernel has >= and <= only: < and > are their opposites. The port stands where an
        // instruction has its `no`.
        const bool strict =
            test.comparison == Comparison::kGreater || test.comparison == Comparison::kLess;
        const bool at_least =
            test.comparison == Comparison::kGreaterOrEqual || test.comparison == Comparison::kLess;
        unsigned char code = at_least ? INET_DIAG_BC_S_GE : INET_DIAG_BC_S_LE;
        if (test.side == Side::kRemote) {
            code = at_least ? INET_DIAG_BC_D_GE : INET_DIAG_BC_D_LE;
        }
        return {{instruction(code, inet_diag_bc_op{0, 0, test.port})}, strict};
    }
    InetDiagConditions operator()(const InterfaceTest& test) const
    {
        return {{instruction(INET_DIAG_BC_DEV_COND, test.index)}, false};
    }
    InetDiagConditions operator()(const MarkTest& test) const
    {
        const inet_diag_markcond condition{test.value, test.mask};
        return {{instruction(INET_DIAG_BC_MARK_COND, condition)}, false};
    }
    InetDiagConditions operator()(const CgroupTest& test) const
    {
        return {{instruction(INET_DIAG_BC_CGROUP_COND, test.id)}, false};
    }
    InetDiagConditions operator()(const AutoboundTest& /*test*/) const
    {
        Bytes bytes;
        const inet_diag_bc_op op{INET_DIAG_BC_AUTO, 0, 0};
        append(bytes, &op, sizeof(op));
        return {{std::move(bytes)}, false};
    }
    template <typename Other> InetDiagConditions operator()(const Other& /*test*/) const
    {
        return {};
    }
};

} // namespace

Decision decide(const Predicate& test, const InetDiagContext& context)
{
    return std::visit(Decider{context}, test);
}

InetDiagConditions inet_diag_conditions(const Predicate& test)
{
    return std::visit(Encoder{}, test);
}

} // namespace tcpledger::filter
