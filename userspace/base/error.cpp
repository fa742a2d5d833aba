// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/error.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

namespace tcpledger {

std::string Error::message() const
{
    std::string text = what;
    if (error_number != 0) {
        text += ": " + std::generic_category().message(error_number);
    }
    if (!hint.empty()) {
        text += " (" + hint + ")";
    }
    return text;
}

Error Error::from_errno(std::string what, std::string hint)
{
    return from_code(errno, std::move(what), std::move(hint));
}

Error Error::from_code(int error_number, std::string what, std::string hint)
{
    const bool denied = error_number == EPERM || error_number == EACCES;
    return {denied ? ErrorKind::kNotPermitted : ErrorKind::kFailed, error_number, std::move(what),
            std::move(hint)};
}

} // namespace tcpledger
