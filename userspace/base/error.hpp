// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The one error type that functions hand back. It knows how to say what failed;
// it does not know who reads it.
#pragma once

#include <tl/expected.hpp>

#include <string>

namespace tcpledger {

/// What a failure means for the command's exit status.
enum class ErrorKind {
    kFailed,       ///< could not do it
    kUsage,        ///< the user asked wrongly
    kNotPermitted, ///< privileges are missing
    kUnsupported,  ///< this kernel cannot
};

struct Error {
    ErrorKind kind = ErrorKind::kFailed;
    int error_number = 0; ///< errno, 0 where there is none
    std::string what;     ///< what we were trying to do: "cannot open /proc"
    std::string hint;     ///< how to mend it; may be empty

    /// "what: strerror (hint)".
    [[nodiscard]] std::string message() const;

    /// From errno as it is now; EPERM and EACCES become kNotPermitted.
    [[nodiscard]] static Error from_errno(std::string what, std::string hint = {});
    /// From `error_number` (positive).
    [[nodiscard]] static Error from_code(int error_number, std::string what, std::string hint = {});
};

template <typename T> using Expected = tl::expected<T, Error>;

} // namespace tcpledger
