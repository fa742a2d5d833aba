// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/verify_view.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;

VerifyCheck check_with_differences()
{
    VerifyCheck check;
    check.number = 3;
    check.result.looks = 7;
    check.result.suspects = 12;
    FourTuple tuple{4026531840U, {{}, 80}, {{}, 4444}};
    Claims state;
    state.kernel = TcpState::kCloseWait;
    check.result.persistent.push_back({{9, tuple, Aspect::kState}, state, 3200ms});
    Claims owner;
    owner.holders = {{12, 7, "\x1b[31mred\n"}};
    owner.owner = ProcessKey{34, 8};
    owner.owner_comm = "ngi\xffnx\"";
    check.result.persistent.push_back({{0, tuple, Aspect::kOwner}, owner, 4s});
    check.result.last.by_netns[{4026531840U, TcpState::kCloseWait}] = {5, 4};
    check.result.last.by_netns[{4026531841U, TcpState::kCloseWait}] = {1, 1};
    check.result.last.sockets = 6;
    return check;
}

TEST(VerifyView, TellsEachDifferenceThatPersists)
{
    const std::string text = render_check(check_with_differences(), Painter());
    EXPECT_NE(text.find("check 3: 6 sockets in 2 namespaces"), std::string::npos) << text;
    EXPECT_NE(text.find("12 differences at first in 7 looks, 2 persist\n"), std::string::npos);
    EXPECT_NE(text.find("kernel CLOSE_WAIT, books nothing, for 3s"), std::string::npos) << text;
    EXPECT_NE(text.find("on the books of 34 (ngi"), std::string::npos);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(std::ranges::count(text, '\n'), 3);
}

TEST(VerifyView, JsonIsOneLineWhateverTheNames)
{
    JsonWriter json;
    write_check(json, check_with_differences());
    ASSERT_TRUE(json.complete());
    const std::string line(json.take_line());
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_NE(line.find(R"("kernel_state":"CLOSE_WAIT","books_state":null)"), std::string::npos);
    EXPECT_NE(line.find(R"("by_netns":{"cells":2,"equal":1,"kernel":6,"books":5})"),
              std::string::npos);
    EXPECT_NE(line.find(R"("CLOSE_WAIT":{"kernel":6,"books":5})"), std::string::npos);
}

TEST(VerifyView, TheVerdictIsGoodOnlyWhenAllIs)
{
    VerifyVerdict verdict;
    EXPECT_FALSE(verdict.good()); // nothing was compared
    verdict.checks = 2;
    EXPECT_TRUE(verdict.good());
    EXPECT_NE(render_verdict(verdict, {}, Painter()).find(": the books balance\n"),
              std::string::npos);
    verdict.persistent = 1;
    EXPECT_FALSE(verdict.good());
    EXPECT_NE(render_verdict(verdict, {}, Painter())
                  .find("1 persistent difference: the books do "
                        "not balance\n"),
              std::string::npos);
    verdict.persistent = 0;
    verdict.sums_agree = false;
    EXPECT_FALSE(verdict.good());
}

} // namespace
} // namespace tcpledger
