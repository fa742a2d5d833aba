// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stacks/messages.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

std::vector<Request> requests()
{
    Unwind unwind{7, {}, std::vector<std::byte>(300, std::byte{0xa5})};
    unwind.registers[16] = 0x401234;
    return {KnowProgram{7, 1, {{0x1000, 0x2000, 0x100, 0, "/bin/a b\n\xff"}, {1, 2, 3, -1, ""}}},
            KnowDebugFile{7, 3},
            KnowPerfMap{7},
            ForgetProgram{7},
            unwind,
            Name{7, {1, 2, 0xffffffffffffffffU}}};
}

std::vector<Answer> answers()
{
    const StackFrame frame{"shop::Pool::take", "/src/pool.cpp", 42, "/bin/a", 0x1234, true};
    return {Unwound{StackHow::kFramePointers, true, {1, 2, 3}}, Unwound{},
            Named{{frame, StackFrame()}, {{2, "abcdef", "a.debug"}}, true}, Named{}};
}

TEST(Messages, ComeOverAsTheyWere)
{
    for (const Request& request : requests()) {
        EXPECT_EQ(decode_request(encode(request)), request) << request.index();
    }
    for (const Answer& answer : answers()) {
        EXPECT_EQ(decode_answer(encode(answer)), answer) << answer.index();
    }
}

TEST(Messages, CutOrLengthenedTheyAreNone)
{
    for (const Request& request : requests()) {
        std::vector<std::byte> bytes = encode(request);
        for (std::size_t length = 0; length < bytes.size(); ++length) {
            EXPECT_EQ(decode_request(std::span(bytes).first(length)), std::nullopt) << length;
        }
        bytes.push_back(std::byte{0});
        EXPECT_EQ(decode_request(bytes), std::nullopt);
    }
    for (const Answer& answer : answers()) {
        std::vector<std::byte> bytes = encode(answer);
        for (std::size_t length = 0; length < bytes.size(); ++length) {
            EXPECT_EQ(decode_answer(std::span(bytes).first(length)), std::nullopt) << length;
        }
    }
}

TEST(Messages, AnyByteChangedIsReadOrRefused)
{
    for (const Answer& answer : answers()) {
        const std::vector<std::byte> whole = encode(answer);
        for (std::size_t at = 0; at < whole.size(); ++at) {
            std::vector<std::byte> bytes = whole;
            bytes[at] = ~bytes[at];
            if (const auto read = decode_answer(bytes)) {
                const auto* named = std::get_if<Named>(&*read);
                EXPECT_LE(named != nullptr ? named->frames.size() : 0, kMostFrames);
            }
        }
    }
    EXPECT_EQ(decode_answer({}), std::nullopt);
    const std::byte unknown{17};
    EXPECT_EQ(decode_answer({&unknown, 1}), std::nullopt);
}

TEST(Messages, MoreFramesThanThereMayBeAreNoMessage)
{
    Unwound unwound;
    unwound.addresses.resize(kMostFrames);
    EXPECT_TRUE(decode_answer(encode(Answer(unwound))));
    unwound.addresses.resize(kMostFrames + 1);
    EXPECT_FALSE(decode_answer(encode(Answer(unwound))));
}

} // namespace
} // namespace tcpledger
