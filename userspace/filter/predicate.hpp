// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The tests a filter is made of, each on one socket, in the form the parser leaves them:
// names resolved, numbers in host order. They know neither words nor how they are combined.
#pragma once

#include "filter/socket_view.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tcpledger::filter {

enum class Side { kLocal, kRemote };

/// "Not equal" is the negation of an equal test.
enum class Comparison { kEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };

/// An IPv4 prefix matches IPv4 addresses, mapped ones of IPv6 sockets included; an IPv6
/// prefix (of mapped addresses too) matches IPv6 sockets only, as in ss.
struct AddressPrefix {
    std::uint8_t family = AF_INET; ///< as it was written
    IpAddress address;
    std::uint8_t length_bits = 0; ///< of the family's own address: at most 32 or 128
};

/// src, dst, and sport, dport with "=".
struct HostTest {
    Side side = Side::kLocal;
    std::optional<std::uint8_t> socket_family; ///< "inet:", "inet6:"
    std::vector<AddressPrefix> any_of;         ///< empty: any address
    std::optional<std::uint16_t> port;         ///< nothing: any port
};

/// sport, dport with <, <=, > or >=.
struct PortTest {
    Side side = Side::kLocal;
    std::optional<std::uint8_t> socket_family;
    Comparison comparison = Comparison::kLess;
    std::uint16_t port = 0;
};

/// By index, or by name where the socket's view has one.
struct InterfaceTest {
    std::uint32_t index = 0;
    std::string name; ///< empty: written as a number
};

/// (mark & mask) == value, nothing masked off the value: as in ss.
struct MarkTest {
    std::uint32_t value = 0;
    std::uint32_t mask = 0xffffffff;
};

struct CgroupTest {
    std::uint64_t id = 0;
};

/// As ss decides it, which asks twice: the kernel whether bind() was given the port, itself
/// whether the port is in the range. Both must say the same; otherwise neither `autobound` nor
/// `not autobound` is true.
struct AutoboundTest {};
struct UnacceptedTest {};

struct UidTest {
    std::uint32_t uid = 0;
};

struct InodeTest {
    std::uint32_t inode = 0;
};

struct CookieTest {
    std::uint64_t cookie = 0;
};

struct NetnsTest {
    std::uint32_t inum = 0;
};

/// The owner or any holder.
struct PidTest {
    std::uint32_t pid = 0;
};

/// The owner or any holder.
struct CommTest {
    std::string pattern; ///< see glob.hpp
};

/// The owner alone, by pid or by name.
struct OwnerTest {
    std::optional<std::uint32_t> pid; ///< when the pattern is also a number
    std::string pattern;
};

struct ContainerTest {
    std::string pattern;
};

/// True only where it is certain: an unknown age satisfies no comparison, a lower bound only
/// > and >= of less than itself.
struct AgeTest {
    Comparison comparison = Comparison::kGreater;
    std::chrono::nanoseconds age{};
};

using Predicate = std::variant<HostTest, PortTest, InterfaceTest, MarkTest, CgroupTest,
                               AutoboundTest, UnacceptedTest, UidTest, InodeTest, CookieTest,
                               NetnsTest, PidTest, CommTest, OwnerTest, ContainerTest, AgeTest>;

/// Allocates nothing. `negated`: the filter has it under an odd number of nots.
[[nodiscard]] bool matches(const Predicate& predicate, const SocketView& socket,
                           bool negated = false);

/// A test of the local end, which a connect() does not have yet.
[[nodiscard]] bool asks_local_end(const Predicate& predicate) noexcept;

/// A test of what names and numbers mean in the socket's own namespace.
[[nodiscard]] bool asks_namespace(const Predicate& predicate) noexcept;

} // namespace tcpledger::filter
