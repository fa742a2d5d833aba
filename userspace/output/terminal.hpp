// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A terminal's size, and a picture that is redrawn in place: plain escape sequences, no
// second screen, nothing to learn. It does not know what the picture shows.
#pragma once

#include "output/stream.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tcpledger {

struct TerminalSize {
    std::size_t rows = 24;
    std::size_t columns = 80;
};

/// The terminal's own answer; else LINES and COLUMNS; else 24 × 80.
[[nodiscard]] TerminalSize terminal_size(int fd);

/// `text` as a redraw from the top left: each line ends in "erase to its end", what is below is
/// erased; lines beyond `rows` are left out, so that the screen never scrolls.
[[nodiscard]] std::string compose_frame(std::string_view text, std::size_t rows);

/// Gives the terminal back: cursor shown, wrapping on, plain text, on a new line. A
/// handler of a deadly signal may write() it.
inline constexpr std::string_view kTerminalRestore = "\x1b[0m\x1b[?7h\x1b[?25h\n";

/// Draws frames while it lives; restores the terminal when it goes.
class Screen {
public:
    /// Clears the screen, hides the cursor, turns wrapping off. `stream` outlives the screen.
    explicit Screen(LineStream& stream);
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;
    ~Screen();

    /// Shows `text` at once. A frame that finds no room is skipped; the next one counts.
    void show(std::string_view text, const TerminalSize& size);

private:
    LineStream& stream_;
};

} // namespace tcpledger
