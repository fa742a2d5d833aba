// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/list_columns.hpp"

#include <algorithm>

namespace tcpledger {
namespace {

constexpr std::array<std::string_view, kListColumns> kHeaders = {
    "Netid", "State",         "Recv-Q", "Send-Q", "Local Address:",
    "Port",  "Peer Address:", "Port",   "Netns",  "Process",
};

constexpr std::size_t kProcess = static_cast<std::size_t>(ListColumn::kProcess);
constexpr std::size_t kFlushBytes = 64 * 1024;

constexpr bool is_address(std::size_t column)
{
    return column == static_cast<std::size_t>(ListColumn::kLocalAddress) ||
           column == static_cast<std::size_t>(ListColumn::kPeerAddress);
}

} // namespace

void ListColumns::end_cell()
{
    lengths_.push_back(static_cast<std::uint32_t>(text_.size() - begin_));
    begin_ = text_.size();
}

/// The cells of the process column bring their own blank.
std::size_t ListColumns::before_process() const
{
    return hidden_[kProcess - 1] ? kProcess - 2 : kProcess - 1;
}

ListColumns::Widths ListColumns::widths(bool with_header) const
{
    Widths widths{};
    if (with_header) {
        std::ranges::transform(kHeaders, widths.begin(), &std::string_view::size);
    }
    for (std::size_t at = 0; at < lengths_.size(); at += kListColumns) {
        for (std::size_t column = 0; column < kProcess; ++column) {
            widths[column] = std::max<std::size_t>(widths[column], lengths_[at + column]);
        }
    }
    if (with_header) { // "Process" begins without a blank
        std::size_t& last = widths[before_process()];
        last = std::max(last, kHeaders[before_process()].size() + 1);
    }
    return widths;
}

/// The last column is not padded: what follows it is the line's end.
template <typename CellOf>
void ListColumns::append_line(std::string& out, const Widths& widths, CellOf cell_of) const
{
    const std::size_t line = out.size();
    const std::size_t before = before_process();
    for (std::size_t column = 0; column < kListColumns; ++column) {
        const std::string_view cell = cell_of(column);
        if (hidden_[column]) {
            continue;
        }
        if (column == kProcess) {
            out.append(cell);
            break;
        }
        const std::size_t padding = widths[column] - cell.size();
        if (is_address(column)) {
            out.append(padding, ' ').append(cell);
        } else {
            out.append(cell).append(padding + (column == before ? 0 : 1), ' ');
        }
    }
    const std::size_t last = out.find_last_not_of(' ');
    out.resize(last == std::string::npos || last < line ? line : last + 1);
    out += '\n';
}

void ListColumns::write(const std::function<void(std::string_view)>& sink, bool with_header) const
{
    const Widths widths = this->widths(with_header);
    std::string out;
    out.reserve(2 * kFlushBytes);
    if (with_header) {
        append_line(out, widths, [](std::size_t column) { return kHeaders[column]; });
    }
    const std::string_view text = text_;
    std::size_t begin = 0;
    for (std::size_t at = 0; at < lengths_.size(); at += kListColumns) {
        append_line(out, widths, [&](std::size_t column) {
            const std::string_view cell = text.substr(begin, lengths_[at + column]);
            begin += cell.size();
            return cell;
        });
        if (out.size() >= kFlushBytes) {
            sink(out);
            out.clear();
        }
    }
    sink(out);
}

} // namespace tcpledger
