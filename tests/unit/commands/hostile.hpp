// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Names that a process may give itself, and the questions every view's output must pass.
#pragma once

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace tcpledger::test {

inline const std::array<std::string, 9> kHostileNames = {
    "\x1b[2J\x1b[H\x07",
    "a\nb\r\tc",
    "\"},{\"pid\":1,\"",
    "\xff\xfe\x80\xc0",
    "=cmd|' /C calc'!A0",
    "",
    "\xe2\x80\xae"
    "txt", // right-to-left override
    std::string("nul\0x", 5),
    "a,b;\"c\" \\",
};

/// Parsed as strict JSON with valid UTF-8.
inline rapidjson::Document parsed(std::string_view json)
{
    rapidjson::Document document;
    document.Parse<rapidjson::kParseValidateEncodingFlag | rapidjson::kParseFullPrecisionFlag>(
        json.data(), json.size());
    EXPECT_FALSE(document.HasParseError()) << json;
    return document;
}

/// True if a terminal would show it and do nothing else.
inline bool is_harmless(std::string_view text, bool line_ends = false)
{
    return std::ranges::none_of(text,
                                [&](char c) {
                                    const auto byte = static_cast<unsigned char>(c);
                                    return (byte < 0x20 && !(line_ends && c == '\n')) ||
                                           byte == 0x7f;
                                }) &&
           text.find("\xe2\x80\xae") == std::string_view::npos;
}

} // namespace tcpledger::test
