// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What makes a flame graph's SVG answer to the mouse. Nothing of a stack is ever put into it.
#pragma once

#include <string_view>

namespace tcpledger {

/// The content of a <script>, fit for CDATA.
[[nodiscard]] std::string_view flame_script();

} // namespace tcpledger
