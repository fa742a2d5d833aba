// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/socket_links.hpp"

#include "stub_tree.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace tcpledger {
namespace {

void make_process(const StubTree& tree, const std::string& pid, const std::string& comm,
                  const std::string& start)
{
    tree.file(pid + "/stat", stat_line(pid, comm, start));
    tree.directory(pid + "/fd");
}

TEST(SocketLinks, NamesWhoHoldsWhat)
{
    const StubTree tree;
    make_process(tree, "10", "a) S 1 (b", "500");
    tree.link("10/fd/0", "/dev/null");
    tree.link("10/fd/3", "socket:[77]");
    tree.link("10/fd/4", "socket:[77]"); // dup'ed: one process
    make_process(tree, "11", "other", "600");
    tree.link("11/fd/5", "socket:[77]");
    tree.link("11/fd/6", "socket:[4294967296]");
    make_process(tree, "12", "none", "700");
    const Expected<SocketLinks> links = read_socket_links(tree.root());
    ASSERT_TRUE(links);
    EXPECT_EQ(links->denied, 0U);
    ASSERT_EQ(links->processes.size(), 2U);
    EXPECT_NE(std::ranges::find(links->processes, LinkingProcess{10, 500, "a) S 1 (b"}),
              links->processes.end());
    EXPECT_NE(std::ranges::find(links->processes, LinkingProcess{11, 600, "other"}),
              links->processes.end());
    EXPECT_EQ(links->holders.at(77).size(), 2U);
    EXPECT_EQ(links->holders.at(4294967296).size(), 1U);
}

TEST(SocketLinks, AThreadHoldsWhatTheLeaderLeft)
{
    const StubTree tree;
    make_process(tree, "10", "leader", "500");
    tree.link("10/task/10/fd/9", "socket:[1]"); // the leader's own, looked at already
    tree.link("10/task/11/fd/3", "socket:[77]");
    const Expected<SocketLinks> links = read_socket_links(tree.root());
    ASSERT_TRUE(links);
    ASSERT_EQ(links->processes.size(), 1U);
    EXPECT_EQ(links->processes[0].pid, 10U);
    EXPECT_TRUE(links->holders.contains(77));
}

TEST(SocketLinks, WhatIsNoSocketOrNoProcessIsPassedOver)
{
    const StubTree tree;
    for (const char* target : {"socket:[", "socket:[]", "socket:[x]", "socket:[1", "pipe:[1]",
                               "socket:[99999999999999999999999]", "socket:[-1]"}) {
        static int fd = 0;
        tree.link("10/fd/" + std::to_string(fd++), target);
    }
    tree.link("11/fd/3", "socket:[5]"); // no stat: it has ended
    tree.file("12/stat", "12 (cut");
    tree.link("12/fd/3", "socket:[6]");
    tree.link("self/fd/3", "socket:[7]");
    tree.link("99999999999999999999999/fd/3", "socket:[8]");
    const Expected<SocketLinks> links = read_socket_links(tree.root());
    ASSERT_TRUE(links);
    EXPECT_TRUE(links->processes.empty());
    EXPECT_TRUE(links->holders.empty());
    EXPECT_FALSE(read_socket_links(tree.root() / "nothing"));
}

TEST(SocketLinks, FindsOurOwnNamespace)
{
    struct stat status = {};
    ASSERT_EQ(::stat("/proc/self/ns/net", &status), 0);
    const auto found = open_namespaces("/proc", "/run/netns");
    EXPECT_TRUE(found.contains(static_cast<std::uint32_t>(status.st_ino)));
}

/// A file of another kind in /run/netns is no namespace.
TEST(SocketLinks, TakesNamespacesOnly)
{
    const StubTree tree;
    tree.file("run/blue", "");
    tree.link("run/dangling", "nowhere");
    EXPECT_TRUE(open_namespaces(tree.root(), tree.root() / "run").empty());
    EXPECT_TRUE(open_namespaces(tree.root() / "none", tree.root() / "none").empty());
}

} // namespace
} // namespace tcpledger
