// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The cgroup tree: without one, and with lines that are none, no question has an answer.
#include "procfs/cgroups.hpp"

#include "stub_tree.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

TEST(CgroupTree, WithoutAMountNothingIsKnown)
{
    for (const char* mounts : {"", "proc /proc proc rw 0 0\n", "cgroup2", "x /nowhere cgroup2 rw\n",
                               "\xff\xfe\n\n cgroup2 cgroup2\n"}) {
        StubTree stub;
        stub.file("mounts", mounts);
        CgroupTree tree = CgroupTree::open(stub.root() / "mounts");
        EXPECT_FALSE(tree.path_of(1)) << mounts;
        EXPECT_FALSE(tree.id_of("/nowhere")) << mounts;
    }
    EXPECT_FALSE(CgroupTree::open("/no/such/file").id_of("a"));
}

TEST(CgroupTree, AnOrdinaryDirectoryIsNoCgroup)
{
    const CgroupTree tree = CgroupTree::open();
    EXPECT_FALSE(tree.id_of("/tmp"));
    EXPECT_FALSE(tree.id_of("/no such cgroup"));
}

TEST(CgroupTree, IdsAndPathsAreInverse)
{
    CgroupTree tree = CgroupTree::open();
    const auto root = tree.id_of("/");
    if (!root) {
        GTEST_SKIP() << "no cgroup2 is mounted";
    }
    const auto path = tree.path_of(*root);
    if (!path) {
        GTEST_SKIP() << "needs CAP_DAC_READ_SEARCH";
    }
    EXPECT_EQ(*path, "/");
    EXPECT_FALSE(tree.path_of(0xfffffffffffffff0));
}

} // namespace
} // namespace tcpledger
