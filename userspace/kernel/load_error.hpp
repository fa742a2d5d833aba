// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Turns a failure of libbpf into a sentence with a way out.
#pragma once

#include "base/error.hpp"

#include <string>

namespace tcpledger {

/// What to do when privileges are missing: the capabilities and two ways to have them.
[[nodiscard]] std::string privileges_hint();

/// `error_number` positive. EPERM and EACCES without the capabilities become
/// kNotPermitted with the hint; everything else kUnsupported with libbpf's last words.
[[nodiscard]] Error load_error(int error_number, std::string what);

/// The same for a program that needs a BPF trampoline (fentry, fexit).
[[nodiscard]] Error trampoline_error(int error_number, std::string what);

} // namespace tcpledger
