// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the kernel does with inet_diag bytecode, after net/ipv4/inet_diag.c of Linux 6.x: its
// check before the dump and its run for each socket. Written for clarity from the rules in
// that file; the tests' judge of the compiler.
#pragma once

#include "filter/socket_view.hpp"

#include <linux/inet_diag.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <span>

namespace tcpledger::test {

class ReferenceInetDiag {
public:
    explicit ReferenceInetDiag(std::span<const std::uint8_t> program) : program_(program) {}

    /// As inet_diag_bc_audit(): would the kernel take it?
    [[nodiscard]] bool passes_check(bool net_admin) const
    {
        if (program_.size() < sizeof(inet_diag_bc_op)) {
            return false;
        }
        std::set<std::size_t> met; // by the walk along `yes`
        std::size_t at = 0;
        while (at < program_.size()) {
            if (program_.size() - at < sizeof(inet_diag_bc_op)) {
                return false;
            }
            met.insert(at);
            const auto op = read<inet_diag_bc_op>(at);
            if (op.yes < 4 || op.yes % 4 != 0) {
                return false;
            }
            at += op.yes;
        }
        if (at != program_.size()) {
            return false;
        }
        return std::ranges::all_of(met, [&](std::size_t begin) {
            const std::size_t left = program_.size() - begin;
            const auto op = read<inet_diag_bc_op>(begin);
            const std::size_t length = least_bytes(begin, net_admin);
            return length > 0 && length <= left && op.yes >= length && op.no >= length &&
                   op.no <= left + 4 && op.no % 4 == 0 &&
                   (op.no >= left || met.contains(begin + op.no));
        });
    }

    /// As inet_diag_bc_run() of a checked program.
    [[nodiscard]] bool accepts(const SocketView& socket) const
    {
        std::size_t at = 0;
        while (at < program_.size()) {
            const auto op = read<inet_diag_bc_op>(at);
            at += holds(op.code, at, socket) ? std::size_t{op.yes} : std::size_t{op.no};
        }
        return at == program_.size();
    }

private:
    template <typename T> [[nodiscard]] T read(std::size_t at) const
    {
        T value{};
        std::memcpy(&value, program_.data() + at, sizeof(value));
        return value;
    }

    /// 0: the kernel knows no such instruction or forbids it.
    [[nodiscard]] std::size_t least_bytes(std::size_t at, bool net_admin) const
    {
        switch (read<inet_diag_bc_op>(at).code) {
        case INET_DIAG_BC_JMP:
        case INET_DIAG_BC_AUTO:
            return 4;
        case INET_DIAG_BC_S_GE:
        case INET_DIAG_BC_S_LE:
        case INET_DIAG_BC_D_GE:
        case INET_DIAG_BC_D_LE:
        case INET_DIAG_BC_DEV_COND:
            return 8;
        case INET_DIAG_BC_MARK_COND:
            return net_admin ? 12 : 0;
        case INET_DIAG_BC_CGROUP_COND:
            return 12;
        case INET_DIAG_BC_S_COND:
        case INET_DIAG_BC_D_COND: {
            if (program_.size() - at < 12) {
                return 0;
            }
            const auto condition = read<inet_diag_hostcond>(at + 4);
            const std::map<int, std::size_t> bytes = {{AF_UNSPEC, 0}, {AF_INET, 4}, {AF_INET6, 16}};
            const auto found = bytes.find(condition.family);
            return found == bytes.end() || condition.prefix_len > 8 * found->second
                       ? 0
                       : 12 + found->second;
        }
        default:
            return 0;
        }
    }

    [[nodiscard]] bool holds(unsigned char code, std::size_t at, const SocketView& socket) const
    {
        const unsigned sport = socket.tuple.local.port;
        const unsigned dport = socket.tuple.remote.port;
        const auto port = [&] { return unsigned{read<inet_diag_bc_op>(at + 4).no}; };
        switch (code) {
        case INET_DIAG_BC_S_GE:
            return sport >= port();
        case INET_DIAG_BC_S_LE:
            return sport <= port();
        case INET_DIAG_BC_D_GE:
            return dport >= port();
        case INET_DIAG_BC_D_LE:
            return dport <= port();
        case INET_DIAG_BC_AUTO:
            return socket.autobound;
        case INET_DIAG_BC_DEV_COND:
            return read<std::uint32_t>(at + 4) == socket.interface_index;
        case INET_DIAG_BC_MARK_COND: {
            const auto condition = read<inet_diag_markcond>(at + 4);
            return (socket.mark & condition.mask) == condition.mark;
        }
        case INET_DIAG_BC_CGROUP_COND:
            return read<std::uint64_t>(at + 4) == socket.cgroup_id;
        case INET_DIAG_BC_S_COND:
            return host_holds(at + 4, socket.family, socket.tuple.local);
        case INET_DIAG_BC_D_COND:
            return host_holds(at + 4, socket.family, socket.tuple.remote);
        default: // JMP
            return false;
        }
    }

    [[nodiscard]] bool host_holds(std::size_t at, std::uint8_t family, const Endpoint& end) const
    {
        const auto condition = read<inet_diag_hostcond>(at);
        if (condition.port != -1 && condition.port != end.port) {
            return false;
        }
        const std::uint8_t* wanted = program_.data() + at + sizeof(inet_diag_hostcond);
        const std::uint8_t* bytes = end.address.bytes.data();
        if (family == AF_INET) {
            bytes += 12; // the kernel has four bytes of such a socket
        }
        if (condition.family != AF_UNSPEC && condition.family != family) {
            return family == AF_INET6 && condition.family == AF_INET && end.address.is_ipv4() &&
                   same_bits(bytes + 12, wanted, condition.prefix_len);
        }
        return same_bits(bytes, wanted, condition.prefix_len);
    }

    static bool same_bits(const std::uint8_t* left, const std::uint8_t* right, unsigned bits)
    {
        for (unsigned bit = 0; bit < bits; ++bit) {
            const unsigned mask = 0x80U >> (bit % 8);
            if ((left[bit / 8] & mask) != (right[bit / 8] & mask)) {
                return false;
            }
        }
        return true;
    }

    std::span<const std::uint8_t> program_;
};

} // namespace tcpledger::test
