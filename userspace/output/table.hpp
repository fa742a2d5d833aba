// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Columns of text: a whole table whose widths fit its rows, or rows one at a time in fixed
// widths. Cells are raw bytes; they are made visible here.
#pragma once

#include "output/color.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tcpledger {

enum class Align { kLeft, kRight };

struct Column {
    std::string header;
    Align align = Align::kLeft;
    std::size_t width = 0;     ///< columns it takes at least
    std::size_t max_width = 0; ///< longer cells are cut and end in "…"; 0: never cut
    bool shrinks = false;      ///< gives up width when the line does not fit the terminal
};

struct Cell {
    std::string_view text; ///< raw bytes, alive during the call
    Style style = Style::kPlain;

    Cell(std::string_view raw, Style how = Style::kPlain) noexcept : text(raw), style(how) {}
    Cell(const char* raw, Style how = Style::kPlain) noexcept : text(raw), style(how) {}
    Cell(const std::string& raw, Style how = Style::kPlain) noexcept : text(raw), style(how) {}
};

/// `text` in at most `width` columns, the last of them "…" when something was cut.
[[nodiscard]] std::string cut_to_width(std::string_view text, std::size_t width);

/// Rows as they come, in the columns' fixed widths. A cell that is wider pushes the
/// rest of its row to the right, unless its column has a max_width.
class RowFormat {
public:
    explicit RowFormat(std::vector<Column> columns, Painter painter = Painter());

    /// Both without a line end. Cells beyond the columns are ignored, missing ones are blank.
    [[nodiscard]] std::string header() const;
    void append_row(std::string& out, std::span<const Cell> cells) const;

private:
    std::vector<Column> columns_;
    Painter painter_;
    mutable std::string scratch_;
};

/// Collects rows, then lays them out in the widths they need.
class Table {
public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// Copies the cells.
    void add_row(std::span<const Cell> cells);
    void add_row(std::initializer_list<Cell> cells)
    {
        add_row(std::span(cells.begin(), cells.size()));
    }

    [[nodiscard]] std::size_t row_count() const noexcept { return rows_.size(); }

    /// Lines that end in '\n', without trailing blanks. `line_width` 0: as wide as it gets;
    /// else columns that may shrink do, down to their headers.
    [[nodiscard]] std::string render(const Painter& painter, std::size_t line_width = 0,
                                     bool with_header = true) const;

private:
    struct OwnedCell {
        std::string text; ///< visible
        std::size_t width = 0;
        Style style = Style::kPlain;
    };

    [[nodiscard]] std::vector<std::size_t> widths(std::size_t line_width, bool with_header) const;

    std::vector<Column> columns_;
    std::vector<std::vector<OwnedCell>> rows_;
};

} // namespace tcpledger
