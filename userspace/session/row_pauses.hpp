// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Lets who goes through many rows do something else now and then. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <utility>

namespace tcpledger {

class RowPauses {
public:
    static constexpr std::size_t kRows = 512; ///< from one pause to the next

    /// `pause` may be empty.
    explicit RowPauses(std::function<void()> pause) : pause_(std::move(pause)) {}

    /// After each row.
    void row()
    {
        if (++rows_ % kRows == 0 && pause_) {
            pause_();
        }
    }

private:
    std::function<void()> pause_;
    std::size_t rows_ = 0;
};

} // namespace tcpledger
