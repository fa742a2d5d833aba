// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/xml.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

TEST(XmlText, LeavesNoMarkupAndNoCharacterThatXmlForbids)
{
    struct Case {
        std::string_view raw;
        std::string_view written;
    };
    using namespace std::string_view_literals;
    for (const auto& [raw, written] : {
             Case{"main", "main"},
             Case{"operator<<(a&&)", "operator&lt;&lt;(a&amp;&amp;)"},
             Case{"\"x\" 'y'", "&quot;x&quot; &#39;y&#39;"},
             Case{"]]>", "]]&gt;"},
             Case{"&amp;", "&amp;amp;"},
             Case{"a\0b"sv, "a\\x00b"},
             Case{"\x1b\n\t", "\\x1b\\n\\t"},
             Case{"\xff", "\\xff"},
             Case{"\xef\xbf\xbe", "\\u{fffe}"},
             Case{"é…漢", "é…漢"},
             Case{"", ""},
         }) {
        EXPECT_EQ(xml_text(raw), written);
    }
}

} // namespace
} // namespace tcpledger
