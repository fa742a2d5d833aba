// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The colours of a flame graph: light grounds for one dark ink. The kind picks the family, the
// name the tone, so that a function looks the same in every picture.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tcpledger {

enum class FlameKind {
    kTotal,
    kProcess,
    kLineKnown, ///< a function whose file is known
    kLineUnknown,
    kLeftOut, ///< stands for others, or for what could not be known
};

inline constexpr std::string_view kFlameInk = "#241a12";

/// "#rrggbb"
[[nodiscard]] std::string_view flame_fill(FlameKind kind, std::string_view name);

/// All tones of a kind.
[[nodiscard]] std::span<const std::string_view> flame_tones(FlameKind kind);

} // namespace tcpledger
