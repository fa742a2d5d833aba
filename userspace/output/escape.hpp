// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Makes bytes that somebody else chose (a comm, a command line, a path) safe to show.
// Every writer of this part calls it itself: callers always pass raw bytes.
#pragma once

#include <string>
#include <string_view>

namespace tcpledger {

/// For terminals and other text. Printable UTF-8 passes; what would move the cursor, hide or
/// reorder text is spelled out: \n \t \r \\, other control bytes and invalid bytes \x1b, hidden
/// characters above ASCII \u{202e}. Two different inputs never look the same.
[[nodiscard]] std::string visible(std::string_view raw);
void append_visible(std::string& out, std::string_view raw);

/// Valid UTF-8 passes unchanged, each invalid byte becomes the four characters \xNN. What JSON
/// itself must escape is left to JsonWriter.
[[nodiscard]] std::string json_safe(std::string_view raw);

/// A JSON string with its quotes. Control and hidden characters are written as \uNNNN, so
/// that a document printed on a terminal is harmless and a reader gets the same string back.
void append_json_string(std::string& out, std::string_view raw);

/// One text field of CSV: as visible(), quoted as RFC 4180 wants it. A first character that
/// makes a spreadsheet take the field for a formula (= @, and + - before anything
/// but a plain word, so that "-bash" stays itself) is written as its \xNN escape.
[[nodiscard]] std::string csv_field(std::string_view raw);
void append_csv_field(std::string& out, std::string_view raw);

} // namespace tcpledger
