// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Users' names as this host's account database has them. A container's own names are not
// known here.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

namespace tcpledger {

/// The name of a uid, or its number as text where it has none. May ask the network (LDAP, SSSD).
[[nodiscard]] std::string user_name(std::uint32_t uid);

/// user_name() that asks once for each uid.
class UserNames {
public:
    /// The reference lives as long as this object.
    [[nodiscard]] const std::string& of(std::uint32_t uid);

private:
    std::unordered_map<std::uint32_t, std::string> names_;
};

} // namespace tcpledger
