// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/escape.hpp"
#include "output/utf8.hpp"

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <random>
#include <set>
#include <string>

namespace tcpledger {
namespace {

struct Case {
    std::string raw;
    std::string shown;
};

/// The promise of visible(): only valid, showing characters.
bool harmless(std::string_view text)
{
    for (std::size_t at = 0; at < text.size();) {
        const Utf8Char next = decode_utf8(text.substr(at));
        if (!next.valid || is_hidden(next.code)) {
            return false;
        }
        at += next.size;
    }
    return true;
}

std::string parsed(const std::string& json)
{
    rapidjson::Document document;
    document.Parse<rapidjson::kParseValidateEncodingFlag>(json.data(), json.size());
    EXPECT_FALSE(document.HasParseError()) << json;
    return document.IsString() ? std::string(document.GetString(), document.GetStringLength())
                               : "not a string";
}

/// Bytes of every sort, the dangerous ones often.
std::string random_bytes(std::mt19937& random)
{
    const std::string_view pieces[] = {
        "\x1b[31m", "\xc2\x9b",     "\xe2\x80\xae",     "\\",      "\"", ",", "\n", "=", "naïve",
        "データ",   "\xed\xa0\x80", "\xf0\x9f\x9a\x80", "\xf0\x9f"};
    std::string raw;
    for (auto count = random() % 12; count > 0; --count) {
        if (random() % 2 == 0) {
            raw += static_cast<char>(random() % 256);
        } else {
            raw += pieces[random() % std::size(pieces)];
        }
    }
    return raw;
}

TEST(Visible, Table)
{
    const Case cases[] = {
        {"", ""},
        {"nginx: worker", "nginx: worker"},
        {"naïve データ 🚀", "naïve データ 🚀"},
        {"a\nb\tc\rd", "a\\nb\\tc\\rd"},
        {"\x1b[2J", "\\x1b[2J"},
        {std::string("a\0b", 3), "a\\x00b"},
        {"\x7f", "\\x7f"},
        {"C:\\x", "C:\\\\x"},
        {"\xff", "\\xff"},
        {"\xc2\x9b"
         "31m",
         "\\u{9b}31m"},
        {"\xe2\x80\xae"
         "gpj.exe",
         "\\u{202e}gpj.exe"},
        {"\u2066\u2069\u200e\u200f\u2028\u2029\u200b\ufeff",
         "\\u{2066}\\u{2069}\\u{200e}\\u{200f}\\u{2028}\\u{2029}\\u{200b}\\u{feff}"},
        {"\xc0\xaf", "\\xc0\\xaf"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
        {"\xe2\x82", "\\xe2\\x82"},
        {"\xf0\x9f\x9a", "\\xf0\\x9f\\x9a"},
    };
    for (const Case& one : cases) {
        EXPECT_EQ(visible(one.raw), one.shown);
    }
}

TEST(Visible, EveryBytePairIsHarmlessAndNoTwoLookTheSame)
{
    std::set<std::string> seen;
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; ++second) {
            const std::string raw = {static_cast<char>(first), static_cast<char>(second)};
            const std::string shown = visible(raw);
            ASSERT_TRUE(harmless(shown)) << shown;
            ASSERT_TRUE(seen.insert(shown).second) << shown;
        }
    }
}

TEST(JsonSafe, ValidPassesInvalidIsSpelledOut)
{
    EXPECT_EQ(json_safe("naïve\n\x1b\"\\"), "naïve\n\x1b\"\\");
    EXPECT_EQ(json_safe("a\xff"
                        "b\xc3"),
              "a\\xffb\\xc3");
}

TEST(JsonString, RandomBytesParseBackToJsonSafe)
{
    std::mt19937 random(1);
    for (int round = 0; round < 20'000; ++round) {
        const std::string raw = random_bytes(random);
        std::string json;
        append_json_string(json, raw);
        ASSERT_EQ(parsed(json), json_safe(raw)) << json;
        ASSERT_TRUE(harmless(json)) << json;
    }
}

TEST(JsonString, HiddenCharactersAreEscapedAndComeBack)
{
    std::string json;
    append_json_string(json, "\u202e\xc2\x9b\U000e0041é");
    EXPECT_EQ(json, "\"\\u202e\\u009b\\udb40\\udc41é\"");
    EXPECT_EQ(parsed(json), "\u202e\xc2\x9b\U000e0041é");
}

TEST(CsvField, Table)
{
    const Case cases[] = {
        {"", ""},
        {"nginx", "nginx"},
        {"a,b", "\"a,b\""},
        {"say \"hi\"", "\"say \"\"hi\"\"\""},
        {"two\nlines", "two\\nlines"},
        {" padded", "\" padded\""},
        {"=1+1", "\\x3d1+1"},
        {"@SUM(A1)", "\\x40SUM(A1)"},
        {"-bash", "-bash"},
        {"+x-1.2_3", "+x-1.2_3"},
        {"-2+3+cmd|' /C calc'!A0", "\\x2d2+3+cmd|' /C calc'!A0"},
        {"+A1,B2", "\"\\x2bA1,B2\""},
        {"\uff1d1+1", "\\u{ff1d}1+1"},
        {"a=b", "a=b"},
        {"\xff,", "\"\\xff,\""},
    };
    for (const Case& one : cases) {
        EXPECT_EQ(csv_field(one.raw), one.shown);
    }
}

/// A reader's view of RFC 4180, one field.
std::string unquoted(const std::string& field)
{
    if (field.empty() || field.front() != '"') {
        EXPECT_EQ(field.find_first_of("\","), std::string::npos) << field;
        return field;
    }
    EXPECT_EQ(field.back(), '"');
    std::string out;
    for (std::size_t at = 1; at + 1 < field.size(); ++at) {
        if (field[at] == '"') {
            ++at;
            EXPECT_LT(at + 1, field.size()) << field;
            EXPECT_EQ(field[at], '"') << field;
        }
        out += field[at];
    }
    return out;
}

TEST(CsvField, RandomBytesStayOneHarmlessField)
{
    std::mt19937 random(2);
    for (int round = 0; round < 20'000; ++round) {
        const std::string field = csv_field(random_bytes(random));
        ASSERT_TRUE(harmless(field)) << field;
        const std::string read = unquoted(field);
        ASSERT_TRUE(read.empty() || (read.front() != '=' && read.front() != '@')) << field;
    }
}

} // namespace
} // namespace tcpledger
