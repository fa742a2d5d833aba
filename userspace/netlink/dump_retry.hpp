// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Decides whether a dump was good, is worth another try, or has failed. Pure: it
// is handed the dump as a function and knows no socket.
#pragma once

#include "netlink/sock_diag.hpp"

#include <functional>

namespace tcpledger {

/// How often a dump is tried before what it gave is taken, or its error handed on.
inline constexpr unsigned kMaxDumpTries = 4;

/// The rows may lack some: interrupted, truncated, or not what they claim to be.
[[nodiscard]] bool has_holes(const ParseResult& result) noexcept;

/// Calls `dump_once`, which appends to `sink`, until it gives a whole dump, an error that trying
/// again cannot mend, or kMaxDumpTries is reached. Of a try that is not the last, and on an error,
/// nothing stays in `sink`. `protocol` is for the error's words.
[[nodiscard]] Expected<DumpResult>
retry_dump(RowSink sink, std::uint8_t protocol,
           const std::function<Expected<ParseResult>(RowSink)>& dump_once);

} // namespace tcpledger
