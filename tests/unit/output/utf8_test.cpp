// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tcpledger {
namespace {

/// Written from RFC 3629's table, not from the decoder.
std::string encode(char32_t code)
{
    const auto unit = [](char32_t bits) {
        return static_cast<char>(static_cast<unsigned char>(bits));
    };
    if (code < 0x80) {
        return {unit(code)};
    }
    if (code < 0x800) {
        return {unit(0xc0 | (code >> 6)), unit(0x80 | (code & 0x3f))};
    }
    if (code < 0x10000) {
        return {unit(0xe0 | (code >> 12)), unit(0x80 | ((code >> 6) & 0x3f)),
                unit(0x80 | (code & 0x3f))};
    }
    return {unit(0xf0 | (code >> 18)), unit(0x80 | ((code >> 12) & 0x3f)),
            unit(0x80 | ((code >> 6) & 0x3f)), unit(0x80 | (code & 0x3f))};
}

TEST(Utf8, EveryCodePointDecodesAndNoCutOneDoes)
{
    for (char32_t code = 0; code <= 0x10ffff; ++code) {
        const std::string text = encode(code);
        const Utf8Char got = decode_utf8(text);
        if (code >= 0xd800 && code <= 0xdfff) {
            ASSERT_FALSE(got.valid) << static_cast<unsigned>(code);
            continue;
        }
        ASSERT_TRUE(got.valid) << static_cast<unsigned>(code);
        ASSERT_EQ(got.code, code);
        ASSERT_EQ(got.size, text.size());
        for (std::size_t cut = 1; cut < text.size(); ++cut) {
            ASSERT_FALSE(decode_utf8(std::string_view(text).substr(0, cut)).valid)
                << static_cast<unsigned>(code);
        }
    }
}

TEST(Utf8, WhatIsNoUtf8IsInvalidByteByByte)
{
    const std::string_view cases[] = {
        "\x80",             // continuation alone
        "\xc0\x80",         // overlong NUL
        "\xc1\xbf",         // overlong DEL
        "\xe0\x9f\xbf",     // overlong, three bytes
        "\xf0\x8f\xbf\xbf", // overlong, four bytes
        "\xed\xa0\x80",     // surrogate
        "\xf4\x90\x80\x80", // above U+10FFFF
        "\xf8\x88\x80\x80\x80",
        "\xfe",
        "\xff",
        "\xc3(",
        "\xe2\x82(",
        "\xf0\x9f\x98(",
    };
    for (const std::string_view text : cases) {
        const Utf8Char got = decode_utf8(text);
        EXPECT_FALSE(got.valid) << ::testing::PrintToString(std::string(text));
        EXPECT_EQ(got.size, 1);
    }
}

TEST(Utf8, HiddenCharacters)
{
    for (const unsigned code : {0x00U,   0x1bU,   0x7fU,   0x80U,   0x9bU,   0x9fU,   0xadU,
                                0x61cU,  0x200bU, 0x200eU, 0x200fU, 0x2028U, 0x2029U, 0x202aU,
                                0x202eU, 0x2060U, 0x2066U, 0x2069U, 0xfeffU, 0xe0041U}) {
        EXPECT_TRUE(is_hidden(code)) << static_cast<unsigned>(code);
    }
    for (const unsigned code : {0x20U, 0x7eU, 0xa0U, 0xe9U, 0x301U, 0x2010U, 0x2027U, 0x202fU,
                                0x2070U, 0x4e2dU, 0xffe0U, 0x1f600U}) {
        EXPECT_FALSE(is_hidden(code)) << static_cast<unsigned>(code);
    }
}

TEST(Utf8, Widths)
{
    EXPECT_EQ(display_width(""), 0U);
    EXPECT_EQ(display_width("nginx"), 5U);
    EXPECT_EQ(display_width("naïve"), 5U);
    EXPECT_EQ(display_width("e\u0301"), 1U); // combining acute
    EXPECT_EQ(display_width("データ"), 6U);
    EXPECT_EQ(display_width("한국"), 4U);
    EXPECT_EQ(display_width("🚀x"), 3U);
    EXPECT_EQ(display_width("…"), 1U);
    EXPECT_EQ(display_width("\xff\xfe"), 2U);
}

TEST(Utf8, PrefixNeverCutsACharacterOrExceedsTheWidth)
{
    EXPECT_EQ(prefix_of_width("データ", 3), "デ");
    EXPECT_EQ(prefix_of_width("データ", 6), "データ");
    EXPECT_EQ(prefix_of_width("e\u0301x", 1), "e\u0301");
    EXPECT_EQ(prefix_of_width("abc", 0), "");
}

} // namespace
} // namespace tcpledger
