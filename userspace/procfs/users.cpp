// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/users.hpp"

#include <pwd.h>

#include <cerrno>
#include <cstddef>
#include <vector>

namespace tcpledger {

std::string user_name(std::uint32_t uid)
{
    constexpr std::size_t kFirstBytes = 1024;
    constexpr std::size_t kMostBytes = std::size_t{1} << 20;
    for (std::size_t size = kFirstBytes; size <= kMostBytes; size *= 4) {
        std::vector<char> buffer(size);
        passwd entry = {};
        passwd* found = nullptr;
        const int error = ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
        if (error == 0 && found != nullptr && found->pw_name != nullptr &&
            *found->pw_name != '\0') {
            return found->pw_name;
        }
        if (error != ERANGE) {
            break;
        }
    }
    return std::to_string(uid);
}

const std::string& UserNames::of(std::uint32_t uid)
{
    const auto known = names_.find(uid);
    if (known != names_.end()) {
        return known->second;
    }
    return names_.emplace(uid, user_name(uid)).first->second;
}

} // namespace tcpledger
