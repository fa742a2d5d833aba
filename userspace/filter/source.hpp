// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The text a filter is read from, and how a place in it is shown to a person: safe for a
// terminal whatever the text holds, short however long it is.
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace tcpledger::filter {

class FilterSource {
public:
    /// One text or many words are the same: words are joined by a blank.
    explicit FilterSource(std::span<const std::string> words);

    [[nodiscard]] std::string_view text() const noexcept { return text_; }

    /// kUsage; three lines: the text (or what is near the place), a caret under the byte at
    /// `offset`, and "expected …".
    [[nodiscard]] Error error_at(std::size_t offset, std::string_view expected) const;

private:
    std::string text_;
};

/// Text of a user for a terminal: control characters and bytes that are no UTF-8 become '?'.
[[nodiscard]] std::string printable(std::string_view text);

} // namespace tcpledger::filter
