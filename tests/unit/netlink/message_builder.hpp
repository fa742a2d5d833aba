// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Makes netlink messages for tests, right and wrong ones. It knows no kernel.
#pragma once

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace tcpledger::testing {

using Message = std::vector<std::byte>;

inline constexpr std::uint32_t kSequence = 5;

template <typename T> void append(Message& message, const T& value)
{
    const std::size_t offset = message.size();
    message.resize(offset + sizeof(value));
    std::memcpy(message.data() + offset, &value, sizeof(value));
}

inline void append(Message& message, const Message& other)
{
    message.insert(message.end(), other.begin(), other.end());
}

/// Overwrites what is at `offset`.
template <typename T> void put(Message& message, std::size_t offset, const T& value)
{
    std::memcpy(message.data() + offset, &value, sizeof(value));
}

inline Message make_message(std::uint16_t type, const Message& payload, std::uint16_t flags = 0,
                            std::uint32_t sequence = kSequence)
{
    Message message;
    append(message, nlmsghdr{static_cast<std::uint32_t>(sizeof(nlmsghdr) + payload.size()), type,
                             flags, sequence, 0});
    append(message, payload);
    message.resize((message.size() + 3) & ~std::size_t{3});
    return message;
}

template <typename T> Message make_attribute(std::uint16_t type, const T& value)
{
    Message message;
    append(message, nlattr{static_cast<std::uint16_t>(sizeof(nlattr) + sizeof(value)), type});
    append(message, value);
    message.resize((message.size() + 3) & ~std::size_t{3});
    return message;
}

/// A socket's message; `attributes` come after the fixed part.
inline Message make_socket(std::uint8_t family, std::uint8_t state, const Message& attributes = {})
{
    inet_diag_msg body{};
    body.idiag_family = family;
    body.idiag_state = state;
    body.idiag_inode = 4711;
    Message payload;
    append(payload, body);
    append(payload, attributes);
    return make_message(SOCK_DIAG_BY_FAMILY, payload);
}

inline Message make_end(std::uint16_t type, std::int32_t number)
{
    Message payload;
    append(payload, number);
    return make_message(type, payload);
}

inline Message from_hex(std::string_view hex)
{
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    Message message;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        message.push_back(static_cast<std::byte>(digit(hex[i]) * 16 + digit(hex[i + 1])));
    }
    return message;
}

} // namespace tcpledger::testing
