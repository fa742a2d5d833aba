// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/table.hpp"

#include "output/escape.hpp"
#include "output/utf8.hpp"

#include <algorithm>

namespace tcpledger {
namespace {

/// One cell after what is already in `out`; `last` cells are not filled up on the right.
void append_cell(std::string& out, std::string_view text, std::size_t text_width, std::size_t width,
                 Align align, bool last, const Painter& painter, Style style)
{
    const std::size_t fill = width > text_width ? width - text_width : 0;
    if (align == Align::kRight) {
        out.append(fill, ' ');
    }
    painter.append(out, text, style);
    if (align == Align::kLeft && !last) {
        out.append(fill, ' ');
    }
}

void trim_right(std::string& out, std::size_t from)
{
    while (out.size() > from && out.back() == ' ') {
        out.pop_back();
    }
}

std::size_t total_width(std::span<const std::size_t> widths)
{
    std::size_t total = widths.empty() ? 0 : widths.size() - 1;
    for (const std::size_t width : widths) {
        total += width;
    }
    return total;
}

} // namespace

std::string cut_to_width(std::string_view text, std::size_t width)
{
    if (display_width(text) <= width) {
        return std::string(text);
    }
    if (width == 0) {
        return {};
    }
    return std::string(prefix_of_width(text, width - 1)) + "…";
}

RowFormat::RowFormat(std::vector<Column> columns, Painter painter)
    : columns_(std::move(columns)), painter_(painter)
{
}

std::string RowFormat::header() const
{
    std::vector<Cell> cells;
    for (const Column& column : columns_) {
        cells.emplace_back(column.header, Style::kHeader);
    }
    std::string out;
    append_row(out, cells);
    return out;
}

void RowFormat::append_row(std::string& out, std::span<const Cell> cells) const
{
    const std::size_t start = out.size();
    const std::size_t count = std::min(columns_.size(), cells.size());
    for (std::size_t at = 0; at < count; ++at) {
        const Column& column = columns_[at];
        scratch_.clear();
        append_visible(scratch_, cells[at].text);
        if (column.max_width != 0) {
            scratch_ = cut_to_width(scratch_, column.max_width);
        }
        if (at > 0) {
            out += ' ';
        }
        append_cell(out, scratch_, display_width(scratch_), column.width, column.align,
                    at + 1 == count, painter_, cells[at].style);
    }
    trim_right(out, start);
}

void Table::add_row(std::span<const Cell> cells)
{
    std::vector<OwnedCell> row;
    row.reserve(columns_.size());
    for (std::size_t at = 0; at < columns_.size() && at < cells.size(); ++at) {
        std::string text = visible(cells[at].text);
        if (columns_[at].max_width != 0) {
            text = cut_to_width(text, columns_[at].max_width);
        }
        const std::size_t width = display_width(text);
        row.push_back({std::move(text), width, cells[at].style});
    }
    rows_.push_back(std::move(row));
}

std::vector<std::size_t> Table::widths(std::size_t line_width, bool with_header) const
{
    std::vector<std::size_t> widths;
    for (const Column& column : columns_) {
        widths.push_back(std::max(column.width, with_header ? display_width(column.header) : 0));
    }
    for (const auto& row : rows_) {
        for (std::size_t at = 0; at < row.size(); ++at) {
            widths[at] = std::max(widths[at], row[at].width);
        }
    }
    if (line_width == 0) {
        return widths;
    }
    for (std::size_t at = columns_.size(); at-- > 0;) {
        const std::size_t total = total_width(widths);
        if (!columns_[at].shrinks || total <= line_width) {
            continue;
        }
        const std::size_t least = std::max(columns_[at].width, display_width(columns_[at].header));
        const std::size_t excess = total - line_width;
        widths[at] =
            std::max(std::min(least, widths[at]), widths[at] > excess ? widths[at] - excess : 0);
    }
    return widths;
}

std::string Table::render(const Painter& painter, std::size_t line_width, bool with_header) const
{
    const std::vector<std::size_t> fitted = widths(line_width, with_header);
    std::string out;
    const auto end_line = [&out](std::size_t start) {
        trim_right(out, start);
        out += '\n';
    };
    if (with_header) {
        const std::size_t start = out.size();
        for (std::size_t at = 0; at < columns_.size(); ++at) {
            out.append(at > 0 ? 1 : 0, ' ');
            append_cell(out, columns_[at].header, display_width(columns_[at].header), fitted[at],
                        columns_[at].align, at + 1 == columns_.size(), painter, Style::kHeader);
        }
        end_line(start);
    }
    for (const auto& row : rows_) {
        const std::size_t start = out.size();
        for (std::size_t at = 0; at < row.size(); ++at) {
            const OwnedCell& cell = row[at];
            const bool cut = cell.width > fitted[at];
            const std::string text = cut ? cut_to_width(cell.text, fitted[at]) : cell.text;
            out.append(at > 0 ? 1 : 0, ' ');
            append_cell(out, text, cut ? display_width(text) : cell.width, fitted[at],
                        columns_[at].align, at + 1 == row.size(), painter, cell.style);
        }
        end_line(start);
    }
    return out;
}

} // namespace tcpledger
