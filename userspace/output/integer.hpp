// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the writers take for a number: not truth values, not characters.
#pragma once

#include <concepts>

namespace tcpledger {

template <typename T>
concept WrittenInteger = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char>;

} // namespace tcpledger
