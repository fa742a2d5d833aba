// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/wrap.hpp"

#include "output/escape.hpp"
#include "output/utf8.hpp"

#include <algorithm>

namespace tcpledger {

std::string wrap(std::string_view raw, std::string_view first, std::size_t width)
{
    const std::string text = visible(raw);
    const std::size_t indent = display_width(first);
    std::string out;
    std::size_t column = 0; // 0: the line is still to be started
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::size_t length = std::min(rest.find(' '), rest.size());
        const std::string_view word = rest.substr(0, length);
        rest.remove_prefix(length < rest.size() ? length + 1 : length);
        if (word.empty()) {
            continue;
        }
        const std::size_t word_width = display_width(word);
        if (column > indent && column + 1 + word_width > width) {
            out += '\n';
            column = 0;
        }
        if (column == 0) {
            out.empty() ? out.append(first) : out.append(indent, ' ');
            column = indent;
        } else {
            out += ' ';
            ++column;
        }
        out.append(word);
        column += word_width;
    }
    if (!out.empty()) {
        out += '\n';
    }
    return out;
}

} // namespace tcpledger
