// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Names of functions as people read them.
#pragma once

#include <string>
#include <string_view>

namespace tcpledger {

/// "_ZN4shop4Pool4takeEv" → "shop::Pool::take"; what is no mangled name as it is. Without
/// parameters, without what a symbol's version or a compiler's clone has added.
[[nodiscard]] std::string readable_function(std::string_view symbol);

} // namespace tcpledger
