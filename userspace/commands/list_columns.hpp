// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// ss's columns: the cells of all rows, laid out once their widths are known. The cells lie
// in one buffer; a row costs no allocation. It knows columns, not sockets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tcpledger {

/// In the order of the line. An address ends in its colon; the port follows without a blank.
enum class ListColumn : std::uint8_t {
    kNetid,
    kState,
    kRecvQueue,
    kSendQueue,
    kLocalAddress,
    kLocalPort,
    kPeerAddress,
    kPeerPort,
    kNetns,
    kProcess, ///< each part of it begins with a blank
};

inline constexpr std::size_t kListColumns = 10;

class ListColumns {
public:
    /// Hides a column; before the first row.
    void hide(ListColumn column) { hidden_[static_cast<std::size_t>(column)] = true; }

    /// Ends the cell of the present row that text() was appended to; cells come in the
    /// columns' order, hidden ones too (empty or not).
    void end_cell();
    /// Where the present cell's bytes are appended.
    [[nodiscard]] std::string& text() { return text_; }

    [[nodiscard]] std::size_t rows() const { return lengths_.size() / kListColumns; }

    /// Hands over the header, where wanted, and all rows: whole lines, without blanks at their
    /// ends, some 64 KiB at a time.
    void write(const std::function<void(std::string_view)>& sink, bool with_header) const;

private:
    using Widths = std::array<std::size_t, kListColumns>;

    [[nodiscard]] std::size_t before_process() const;
    [[nodiscard]] Widths widths(bool with_header) const;
    template <typename CellOf>
    void append_line(std::string& out, const Widths& widths, CellOf cell_of) const;

    std::string text_;                   ///< all cells one after another
    std::vector<std::uint32_t> lengths_; ///< kListColumns a row
    std::size_t begin_ = 0;              ///< of the present cell
    std::array<bool, kListColumns> hidden_{};
};

} // namespace tcpledger
