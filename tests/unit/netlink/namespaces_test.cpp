// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Namespaces found in made-up /proc and /run/netns trees, in which plain files stand for
// namespaces: a file's inode is the namespace's number.
#include "netlink/namespaces.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <thread>

namespace tcpledger {
namespace {

namespace fs = std::filesystem;

class Namespaces : public ::testing::Test {
protected:
    void SetUp() override
    {
        std::string path = (fs::temp_directory_path() / "tcpledger-netns-XXXXXX").string();
        ASSERT_NE(::mkdtemp(path.data()), nullptr);
        root_ = path;
        proc_ = root_ / "proc";
        run_ = root_ / "run";
        fs::create_directories(proc_);
        fs::create_directories(run_);
    }
    void TearDown() override { fs::remove_all(root_); }

    /// A new file, that is, a namespace; gives its number.
    std::uint32_t make_namespace(const std::string& file)
    {
        std::ofstream(root_ / file) << ' ';
        struct stat status{};
        EXPECT_EQ(::stat((root_ / file).c_str(), &status), 0);
        return static_cast<std::uint32_t>(status.st_ino);
    }

    /// /proc/PID/ns/net → net:[inum], behind which is the file.
    void make_process(const std::string& pid, const std::string& file, std::uint32_t inum)
    {
        const fs::path directory = proc_ / pid / "ns";
        const std::string text = "net:[" + std::to_string(inum) + "]";
        fs::create_directories(directory);
        fs::create_symlink(text, directory / "net");
        fs::create_hard_link(root_ / file, directory / text);
    }

    fs::path root_, proc_, run_;
};

TEST_F(Namespaces, EachOnceOwnFirst)
{
    const std::uint32_t own = make_namespace("own");
    const std::uint32_t other = make_namespace("other");
    const std::uint32_t named = make_namespace("named");
    make_process("10", "other", other);
    make_process("11", "own", own);
    make_process("12", "other", other);
    fs::create_directory_symlink("11", proc_ / "self");
    fs::create_hard_link(root_ / "other", run_ / "blue");
    fs::create_hard_link(root_ / "named", run_ / "gr\x1b[31meen");

    const Expected<NamespaceList> list = list_namespaces(proc_, run_);
    ASSERT_TRUE(list) << list.error().message();
    ASSERT_EQ(list->namespaces.size(), 3U);
    EXPECT_EQ(list->denied_count, 0U);
    EXPECT_EQ(list->namespaces[0].inum, own);
    EXPECT_EQ(list->namespaces[0].pid, 11U);
    EXPECT_EQ(list->namespaces[0].name, "");
    EXPECT_EQ(list->namespaces[1].inum, other);
    EXPECT_TRUE(list->namespaces[1].pid == 10 || list->namespaces[1].pid == 12);
    EXPECT_EQ(list->namespaces[1].name, "blue");
    EXPECT_EQ(list->namespaces[2].inum, named);
    EXPECT_EQ(list->namespaces[2].pid, 0U);
    EXPECT_EQ(list->namespaces[2].name, "gr\x1b[31meen");
    for (const NetworkNamespace& space : list->namespaces) {
        EXPECT_TRUE(space.fd.valid());
    }
}

TEST_F(Namespaces, WhatVanishedOrIsNoneIsLeftOut)
{
    const std::uint32_t own = make_namespace("own");
    make_process("11", "own", own);
    fs::create_directory_symlink("11", proc_ / "self");
    fs::create_directories(proc_ / "12");                        // exited: no ns
    fs::create_directories(proc_ / "13" / "ns");                 //
    fs::create_symlink("net:[77]", proc_ / "13" / "ns" / "net"); // exited between two steps
    fs::create_directories(proc_ / "14" / "ns");
    fs::create_symlink("net:[99999999999]", proc_ / "14" / "ns" / "net");
    fs::create_directories(proc_ / "15" / "ns");
    fs::create_symlink("nonsense", proc_ / "15" / "ns" / "net");
    fs::create_directories(proc_ / "sys" / "net");
    fs::create_directories(proc_ / "99999999999999" / "ns");
    fs::create_symlink("/proc/version", run_ / "stale"); // of another file system
    fs::create_symlink("gone", run_ / "dangling");

    const Expected<NamespaceList> list = list_namespaces(proc_, run_);
    ASSERT_TRUE(list) << list.error().message();
    EXPECT_EQ(list->namespaces.size(), 1U);
    EXPECT_EQ(list->denied_count, 0U);
}

// The link said 77, but when it was opened the pid was another process in our own namespace.
TEST_F(Namespaces, ReusedPidCountsAsWhatItIsNow)
{
    const std::uint32_t own = make_namespace("own");
    make_process("11", "own", own);
    fs::create_directory_symlink("11", proc_ / "self");
    make_process("12", "own", own + 1'000'000);

    const Expected<NamespaceList> list = list_namespaces(proc_, run_);
    ASSERT_TRUE(list);
    EXPECT_EQ(list->namespaces.size(), 1U);
}

TEST_F(Namespaces, DeniedProcessesAreCounted)
{
    if (::geteuid() == 0) {
        GTEST_SKIP() << "root is denied nothing";
    }
    const std::uint32_t own = make_namespace("own");
    make_process("11", "own", own);
    make_process("12", "own", own);
    fs::create_directory_symlink("11", proc_ / "self");
    fs::permissions(proc_ / "12" / "ns", fs::perms::none);
    const Expected<NamespaceList> list = list_namespaces(proc_, run_);
    fs::permissions(proc_ / "12" / "ns", fs::perms::owner_all);
    ASSERT_TRUE(list);
    EXPECT_EQ(list->denied_count, 1U);
}

TEST_F(Namespaces, NoProcIsAnErrorNoRunIsNot)
{
    EXPECT_FALSE(list_namespaces(root_ / "absent", run_));
    EXPECT_FALSE(list_namespaces(proc_, run_)); // no self in it
    const Expected<NamespaceList> list = list_namespaces("/proc", root_ / "absent");
    ASSERT_TRUE(list) << list.error().message();
    EXPECT_EQ(list->namespaces[0].pid, static_cast<std::uint32_t>(::getpid()));
}

TEST(RunInNamespace, OwnRunsHereOthersInAThread)
{
    const auto here = std::this_thread::get_id();
    const auto where = [] { return Expected<std::thread::id>(std::this_thread::get_id()); };
    EXPECT_EQ(run_in_namespace(-1, where), here);
}

TEST(RunInNamespace, HandsBackValuesAndErrors)
{
    const auto value = run_in_namespace(
        -1, [] { return Expected<std::unique_ptr<int>>(std::make_unique<int>(3)); });
    ASSERT_TRUE(value);
    EXPECT_EQ(**value, 3);
    const auto error = run_in_namespace(
        -1, []() -> Expected<void> { return tl::unexpected(Error::from_code(ENOENT, "inside")); });
    ASSERT_FALSE(error);
    EXPECT_EQ(error.error().what, "inside");
}

TEST(RunInNamespace, WorkDoesNotRunWhereEnteringFails)
{
    const UniqueFd no_namespace(::dup(0));
    bool ran = false;
    const Expected<void> result = run_in_namespace(no_namespace.get(), [&] {
        ran = true;
        return Expected<void>();
    });
    EXPECT_FALSE(result);
    EXPECT_FALSE(ran);
}

} // namespace
} // namespace tcpledger
