// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Whether and how text is coloured: few styles, from the terminal's own sixteen colours,
// readable on dark and on light ground. Colour only ever repeats what the words say.
#pragma once

#include "base/tcp_state.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tcpledger {

enum class ColorMode { kAuto, kAlways, kNever };

/// "auto", "always", "never".
[[nodiscard]] std::optional<ColorMode> parse_color_mode(std::string_view text) noexcept;

/// What decides in auto mode, as found outside.
struct ColorEnvironment {
    bool is_terminal = false;
    bool no_color = false; ///< NO_COLOR is set and not empty (no-color.org)
    bool dumb = false;     ///< TERM is unset or "dumb"

    [[nodiscard]] static ColorEnvironment of(int fd);
};

[[nodiscard]] bool color_wanted(ColorMode mode, const ColorEnvironment& environment) noexcept;

enum class Style { kPlain, kHeader, kDim, kGood, kWarning, kBad };

/// CLOSE_WAIT is a warning, passing states are dim, ESTABLISHED and LISTEN good, the rest plain.
[[nodiscard]] Style style_of(TcpState state) noexcept;

/// Puts a text between the codes of a style, or leaves it as it is.
class Painter {
public:
    Painter() noexcept = default;
    explicit Painter(bool enabled) noexcept : enabled_(enabled) {}

    [[nodiscard]] bool enabled() const noexcept { return enabled_; }
    /// `text` is already safe (visible()).
    void append(std::string& out, std::string_view text, Style style) const;
    [[nodiscard]] std::string paint(std::string_view text, Style style) const;

private:
    bool enabled_ = false;
};

} // namespace tcpledger
