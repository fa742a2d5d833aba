// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How the owner of a connection is known: the evidence behind an attribution.
#pragma once

#include <cstdint>
#include <string_view>

namespace tcpledger {

enum class How : std::uint8_t {
    kUnknown,   ///< nobody can know
    kConnect,   ///< seen calling connect()
    kListen,    ///< seen calling listen()
    kAccept,    ///< took the connection out of the accept queue
    kClose,     ///< seen closing it; it may have exited since
    kHeld,      ///< holds a descriptor of it
    kListener,  ///< owns the listener in whose accept queue it waits
    kInherited, ///< holds it, but another process opened it
};

/// DESIGN's word: "connect", "listen", …
[[nodiscard]] constexpr std::string_view how_name(How how) noexcept
{
    switch (how) {
    case How::kUnknown:
        return "unknown";
    case How::kConnect:
        return "connect";
    case How::kListen:
        return "listen";
    case How::kAccept:
        return "accept";
    case How::kClose:
        return "close";
    case How::kHeld:
        return "held";
    case How::kListener:
        return "listener";
    case How::kInherited:
        return "inherited";
    }
    return "unknown";
}

} // namespace tcpledger
