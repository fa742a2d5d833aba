// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/users.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

constexpr std::uint32_t kNobodysUid = 3'999'999'123;

TEST(UserName, IsTheNameOrElseTheNumber)
{
    EXPECT_EQ(user_name(0), "root");
    EXPECT_EQ(user_name(kNobodysUid), "3999999123");
}

TEST(UserNames, KeepsWhatItLearnt)
{
    UserNames names;
    const std::string& root = names.of(0);
    const std::string& unknown = names.of(kNobodysUid);
    EXPECT_EQ(root, "root");
    EXPECT_EQ(unknown, "3999999123");
    for (std::uint32_t uid = kNobodysUid + 1; uid < kNobodysUid + 100; ++uid) {
        EXPECT_EQ(names.of(uid), std::to_string(uid));
    }
    EXPECT_EQ(&names.of(0), &root);
    EXPECT_EQ(&names.of(kNobodysUid), &unknown);
}

} // namespace
} // namespace tcpledger
