// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The hosts and ports of values.hpp: ss's HOST SYNTAX.
#include "filter/lexer.hpp"
#include "filter/values.hpp"

#include <arpa/inet.h>

#include <array>
#include <utility>

namespace tcpledger::filter {
namespace {

constexpr std::string_view kPortExpected = "a port or the name of a service";
constexpr std::string_view kHostExpected =
    "an address, a prefix or the name of a host, and :PORT after it where wanted";
constexpr std::size_t kNowhere = std::string_view::npos;

struct AddressAndPort {
    std::string_view address; ///< with its /LENGTH; empty: any
    std::string_view port;    ///< empty: any
};

/// Takes "inet:" or "inet6:" off the front; fails on ss's other families.
ParsedValue<std::optional<std::uint8_t>> take_family(std::string_view& text)
{
    struct Family {
        std::string_view prefix;
        std::uint8_t number;
    };
    for (const Family& family : {Family{"inet:", AF_INET}, Family{"inet6:", AF_INET6}}) {
        if (text.starts_with(family.prefix)) {
            text.remove_prefix(family.prefix.size());
            return family.number;
        }
    }
    for (const std::string_view other : {"unix:", "link:", "netlink:", "vsock:"}) {
        if (text.starts_with(other)) {
            return tl::unexpected(
                expected_but("inet: or inet6:, the families of TCP and UDP", other));
        }
    }
    return std::nullopt;
}

ParsedValue<std::optional<std::uint16_t>> parse_port_number(std::string_view text,
                                                            const Names& names)
{
    if (text.empty() || text == "*") {
        return std::nullopt;
    }
    if (const auto port = parse_number<std::uint16_t>(text)) {
        return port;
    }
    if (text.find_first_not_of("0123456789") == kNowhere) {
        return tl::unexpected(expected_but("a port from 0 to 65535, without leading zeros", text));
    }
    const auto port = names.service_port ? names.service_port(text) : std::nullopt;
    if (!port) {
        return tl::unexpected(expected_but(kPortExpected, text));
    }
    return port;
}

/// "10", "10.1" and so on up to four decimal parts; those that are missing are 0.
std::optional<IpAddress> parse_ipv4(std::string_view text)
{
    std::uint32_t address = 0;
    for (unsigned shift = 24;; shift -= 8) {
        const std::size_t dot = text.find('.');
        const std::string_view part = text.substr(0, dot);
        const auto octet = part.starts_with("0x") ? std::nullopt : parse_number<std::uint8_t>(part);
        if (!octet) {
            return std::nullopt;
        }
        address |= std::uint32_t{*octet} << shift;
        if (dot == kNowhere) {
            return IpAddress::from_ipv4_be(htonl(address));
        }
        if (shift == 0) {
            return std::nullopt;
        }
        text.remove_prefix(dot + 1);
    }
}

std::optional<IpAddress> parse_ipv6(std::string_view text)
{
    std::array<char, INET6_ADDRSTRLEN> copy{};
    std::array<std::uint8_t, 16> bytes{};
    if (text.size() >= copy.size() || text.find('\0') != kNowhere) {
        return std::nullopt;
    }
    text.copy(copy.data(), text.size());
    if (::inet_pton(AF_INET6, copy.data(), bytes.data()) != 1) {
        return std::nullopt;
    }
    return IpAddress::from_bytes(bytes.data());
}

/// The length of a network mask such as 255.255.0.0.
std::optional<std::uint8_t> mask_length(std::string_view text)
{
    const auto mask = parse_ipv4(text);
    if (!mask) {
        return std::nullopt;
    }
    std::uint32_t mask_be = 0;
    std::memcpy(&mask_be, mask->bytes.data() + 12, sizeof(mask_be));
    const std::uint32_t host_part = ~ntohl(mask_be);
    if ((host_part & (host_part + 1)) != 0) {
        return std::nullopt;
    }
    return static_cast<std::uint8_t>(__builtin_popcount(~host_part));
}

/// An address or a prefix in numbers; nothing when `text` is neither, so maybe a name.
ParsedValue<std::optional<AddressPrefix>> parse_prefix(std::string_view text)
{
    const std::size_t slash = text.find('/');
    const std::string_view address_text = text.substr(0, slash);
    const bool ipv6 = address_text.find(':') != kNowhere;
    const auto address = ipv6 ? parse_ipv6(address_text) : parse_ipv4(address_text);
    const std::uint8_t bits = ipv6 ? 128 : 32;
    if (!address) {
        if (slash != kNowhere) {
            return tl::unexpected(expected_but("an address before the /", address_text));
        }
        return std::nullopt;
    }
    AddressPrefix prefix{static_cast<std::uint8_t>(ipv6 ? AF_INET6 : AF_INET), *address, bits};
    if (slash != kNowhere) {
        const std::string_view length_text = text.substr(slash + 1);
        auto length = parse_number(length_text, bits);
        if (!length && !ipv6 && length_text.find('.') != kNowhere) {
            length = mask_length(length_text);
        }
        if (!length) {
            return tl::unexpected(expected_but(
                ipv6 ? "a prefix length from 0 to 128" : "a prefix length from 0 to 32", text));
        }
        prefix.length_bits = static_cast<std::uint8_t>(*length);
    }
    return prefix;
}

/// Separates "[::1]:80", "[::]/0:80", "10/8:80", "*:80", ":80", "name:http", "::1", "::1:80".
std::optional<AddressAndPort> split(std::string_view text, std::string& bracketed)
{
    if (!text.starts_with('[')) {
        const std::size_t slash = text.find('/');
        const std::size_t colon = text.find(':', slash == kNowhere ? 0 : slash);
        if (colon == kNowhere) {
            return AddressAndPort{text, {}};
        }
        const std::size_t last = text.rfind(':');
        const bool port_follows =
            parse_ipv6(text.substr(0, last)) && text.find('.', last) == kNowhere;
        const bool whole_is_address =
            slash == kNowhere && last != colon && !port_follows && parse_ipv6(text);
        return whole_is_address ? AddressAndPort{text, {}}
                                : AddressAndPort{text.substr(0, last), text.substr(last + 1)};
    }
    const std::size_t close = text.find(']');
    if (close == kNowhere) {
        return std::nullopt;
    }
    const std::string_view after = text.substr(close + 1);
    const std::size_t colon = std::min(after.find(':'), after.size());
    if (!after.empty() && after[0] != ':' && after[0] != '/') {
        return std::nullopt;
    }
    bracketed = text.substr(1, close - 1);
    bracketed += after.substr(0, colon);
    return AddressAndPort{bracketed,
                          colon < after.size() ? after.substr(colon + 1) : after.substr(colon)};
}

bool is_any(std::string_view address)
{
    return address.empty() || address == "*" || address == "any" || address == "all" ||
           address == "default";
}

/// All addresses of the host `name` that are of `family`.
std::vector<AddressPrefix> resolve(std::string_view name, const Names& names,
                                   const std::optional<std::uint8_t>& family)
{
    std::vector<AddressPrefix> prefixes;
    if (names.host_addresses) {
        for (const IpAddress& address : names.host_addresses(name)) {
            const bool ipv4 = address.is_ipv4();
            const std::uint8_t its_family = ipv4 ? AF_INET : AF_INET6;
            if (!family || *family == its_family) {
                prefixes.push_back(
                    {its_family, address, static_cast<std::uint8_t>(ipv4 ? 32 : 128)});
            }
        }
    }
    return prefixes;
}

} // namespace

ParsedValue<HostTest> parse_port(std::string_view text, const Names& names)
{
    HostTest test;
    auto family = take_family(text);
    if (!family) {
        return tl::unexpected(std::move(family.error()));
    }
    test.socket_family = *family;
    if (text.starts_with(':')) {
        text.remove_prefix(1);
    }
    if (text.find(':') != kNowhere) {
        return tl::unexpected(expected_but("a port alone (src and dst take ADDRESS:PORT)", text));
    }
    auto port = parse_port_number(text, names);
    if (!port) {
        return tl::unexpected(std::move(port.error()));
    }
    test.port = *port;
    return test;
}

ParsedValue<HostTest> parse_host(std::string_view text, const Names& names)
{
    HostTest test;
    auto family = take_family(text);
    if (!family) {
        return tl::unexpected(std::move(family.error()));
    }
    test.socket_family = *family;

    std::string bracketed;
    const auto parts = split(text, bracketed);
    if (!parts) {
        return tl::unexpected(expected_but("[ADDRESS] or [ADDRESS]:PORT", text));
    }
    auto port = parse_port_number(parts->port, names);
    if (!port) {
        return tl::unexpected(std::move(port.error()));
    }
    test.port = *port;
    if (is_any(parts->address)) {
        return test;
    }
    auto prefix = parse_prefix(parts->address);
    if (!prefix) {
        return tl::unexpected(std::move(prefix.error()));
    }
    if (const std::optional<AddressPrefix>& found = *prefix) {
        if (test.socket_family.value_or(found->family) != found->family) {
            return tl::unexpected(expected_but("an address of the family before it", text));
        }
        test.any_of.push_back(*found);
        return test;
    }
    test.any_of = resolve(parts->address, names, test.socket_family);
    if (test.any_of.empty()) {
        return tl::unexpected(expected_but(kHostExpected, parts->address));
    }
    return test;
}

} // namespace tcpledger::filter
