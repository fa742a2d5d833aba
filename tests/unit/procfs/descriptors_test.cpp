// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/descriptors.hpp"
#include "stub_tree.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace tcpledger {
namespace {

TEST(ScanHolders, FindsEverySocketAndNothingElse)
{
    const StubTree tree;
    tree.file("42/stat", stat_line("42", "a) (b\n", "5000"));
    tree.file("42/status", "Name:\ta\nUid:\t1000\t0\t0\t0\n");
    tree.link("42/fd/0", "/dev/null");
    tree.link("42/fd/1", "pipe:[5]");
    tree.link("42/fd/7", "socket:[77]");
    tree.link("42/fd/8", "socket:[18446744073709551615]");
    tree.file("43/stat", stat_line("43", "heir", "6000"));
    tree.link("43/fd/3", "socket:[77]");
    tree.file("44/stat", stat_line("44", "none", "7000"));
    tree.link("44/fd/0", "/dev/null");
    tree.link("self", "42");

    const auto scan = scan_holders(tree.root());
    ASSERT_TRUE(scan.has_value()) << scan.error().message();
    EXPECT_EQ(scan->processes_scanned, 3U);
    EXPECT_EQ(scan->processes_denied, 0U);
    EXPECT_EQ(scan->processes_gone, 0U);

    auto holders = scan->holders;
    std::sort(holders.begin(), holders.end(), [](const auto& a, const auto& b) {
        return std::pair(a.pid, a.fd) < std::pair(b.pid, b.fd);
    });
    ASSERT_EQ(holders.size(), 3U);
    EXPECT_EQ(holders[0].pid, 42U);
    EXPECT_EQ(holders[0].fd, 7U);
    EXPECT_EQ(holders[0].inode, 77U);
    EXPECT_EQ(holders[0].start_ticks, 5000U);
    EXPECT_EQ(holders[0].comm, "a) (b\n");
    EXPECT_EQ(holders[0].uid, 1000U);
    EXPECT_EQ(holders[2].uid, 65534U) << "not known: not root's";
    EXPECT_EQ(holders[1].inode, 18446744073709551615U);
    EXPECT_EQ(holders[2].pid, 43U);
    EXPECT_EQ(holders[2].inode, 77U);
}

TEST(ScanHolders, LinksThatOnlyLookLikeSocketsAreNone)
{
    const StubTree tree;
    tree.file("42/stat", stat_line("42", "a", "1"));
    int fd = 0;
    for (const std::string& target :
         {std::string("socket:[]"), std::string("socket:[1"), std::string("socket:1]"),
          std::string("socket:[-1]"), std::string("socket:[1x]"), std::string("/socket:[1]"),
          std::string("socket:[18446744073709551616]"), std::string("socket:[1] (deleted)"),
          "socket:[" + std::string(2000, '1') + "]", "socket:[1]" + std::string(60, ']')}) {
        tree.link("42/fd/" + std::to_string(fd++), target);
    }
    tree.link("42/fd/nine", "socket:[9]");
    tree.file("42/fd/900", "no link at all");
    const auto scan = scan_holders(tree.root());
    ASSERT_TRUE(scan.has_value());
    EXPECT_TRUE(scan->holders.empty());
    EXPECT_EQ(scan->processes_scanned, 1U);
}

TEST(ScanHolders, ProcessesThatEndMeanwhileAreCounted)
{
    const StubTree tree;
    tree.directory("42");                // ended before its descriptors were listed
    tree.link("43/fd/3", "socket:[77]"); // and before its name was read
    tree.file("44/stat", "44 (cut");     // the same, in the middle of it
    tree.link("44/fd/3", "socket:[78]");
    const auto scan = scan_holders(tree.root());
    ASSERT_TRUE(scan.has_value());
    EXPECT_TRUE(scan->holders.empty());
    EXPECT_EQ(scan->processes_gone, 3U);
    EXPECT_EQ(scan->processes_scanned, 0U);
}

TEST(ScanHolders, ADeadLeadersThreadsAreAsked)
{
    const StubTree tree;
    tree.file("42/stat", stat_line("42", "a", "1", 'Z'));
    tree.directory("42/fd");
    tree.directory("42/task/42/fd");
    tree.link("42/task/50/fd/6", "socket:[77]");
    const auto scan = scan_holders(tree.root());
    ASSERT_TRUE(scan.has_value());
    ASSERT_EQ(scan->holders.size(), 1U);
    EXPECT_EQ(scan->holders[0].pid, 42U);
    EXPECT_EQ(scan->holders[0].fd, 6U);
}

TEST(ScanHolders, DeniedProcessesAreCounted)
{
    if (::geteuid() == 0) {
        GTEST_SKIP() << "root may read everything";
    }
    const StubTree tree;
    tree.file("42/stat", stat_line("42", "a", "1"));
    tree.directory("42/fd");
    ASSERT_EQ(::chmod((tree.root() / "42/fd").c_str(), 0), 0);
    const auto scan = scan_holders(tree.root());
    ASSERT_EQ(::chmod((tree.root() / "42/fd").c_str(), 0700), 0); // so that it can be removed
    ASSERT_TRUE(scan.has_value());
    EXPECT_EQ(scan->processes_denied, 1U);
    EXPECT_EQ(scan->processes_scanned, 0U);
}

TEST(ScanHolders, NoRootIsAnError)
{
    const StubTree tree;
    EXPECT_EQ(scan_holders(tree.root() / "none").error().error_number, ENOENT);
}

/// The host's own /proc: a socket made here is found here, by its inode.
TEST(ScanHolders, FindsASocketOfThisProcess)
{
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_GE(fd, 0);
    struct stat status = {};
    ASSERT_EQ(::fstat(fd, &status), 0);
    const auto scan = scan_holders();
    ::close(fd);
    ASSERT_TRUE(scan.has_value());
    const auto mine =
        std::find_if(scan->holders.begin(), scan->holders.end(), [&](const SocketHolder& holder) {
            return holder.inode == status.st_ino &&
                   holder.pid == static_cast<std::uint32_t>(::getpid());
        });
    ASSERT_NE(mine, scan->holders.end());
    EXPECT_EQ(mine->fd, static_cast<std::uint32_t>(fd));
}

} // namespace
} // namespace tcpledger
