// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/xml.hpp"

#include "output/escape.hpp"

namespace tcpledger {

void append_xml_text(std::string& out, std::string_view text)
{
    for (const char c : text) {
        switch (c) {
        case '&':
            out += "&amp;";
            break;
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '"':
            out += "&quot;";
            break;
        case '\'':
            out += "&#39;";
            break;
        default:
            out += c;
        }
    }
}

std::string xml_text(std::string_view raw)
{
    std::string out;
    append_xml_text(out, visible(raw));
    return out;
}

} // namespace tcpledger
