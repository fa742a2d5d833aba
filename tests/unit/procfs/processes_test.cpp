// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/processes.hpp"
#include "stub_tree.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string>

namespace tcpledger {
namespace {

using std::string_literals::operator""s;

void add_process(const StubTree& tree, const std::string& pid)
{
    tree.file(pid + "/stat", stat_line(pid, ") R 1 (", "5000"));
    tree.file(pid + "/cmdline", "/usr/bin/web\0--port\0"
                                "80\0"s);
    tree.file(pid + "/cgroup", "0::/lxc/web/init.scope\n");
    tree.file(pid + "/limits",
              "Max open files            1024                 4096         files\n");
    tree.file(pid + "/status", "Name:\tweb\nUid:\t33\t0\t0\t0\n");
    tree.link(pid + "/fd/0", "/dev/null");
    tree.link(pid + "/fd/3", "socket:[77]");
}

TEST(ProcFs, TellsAllOfAProcess)
{
    const StubTree tree;
    add_process(tree, "42");
    const auto process = ProcFs(tree.root()).process(42);
    ASSERT_TRUE(process.has_value()) << process.error().message();
    EXPECT_EQ(process->pid, 42U);
    EXPECT_EQ(process->parent_pid, 7U);
    EXPECT_EQ(process->start_ticks, 5000U);
    EXPECT_EQ(process->comm, ") R 1 (");
    EXPECT_EQ(process->command_line, "/usr/bin/web --port 80");
    EXPECT_EQ(process->cgroup_path, "/lxc/web/init.scope");
    EXPECT_EQ(process->container, "web");
    EXPECT_EQ(process->uid, 33U);
    EXPECT_EQ(process->fds_used, 2U);
    EXPECT_EQ(process->fd_limit_soft, 1024U);
    EXPECT_EQ(process->fd_limit_hard, 4096U);
    EXPECT_FALSE(process->zombie);
}

TEST(ProcFs, WhatTheKernelDoesNotOfferStaysUnknown)
{
    const StubTree tree;
    tree.file("42/stat", stat_line("42", "bare", "5000", 'Z'));
    const auto process = ProcFs(tree.root()).process(42);
    ASSERT_TRUE(process.has_value()) << process.error().message();
    EXPECT_EQ(process->comm, "bare");
    EXPECT_TRUE(process->zombie);
    EXPECT_EQ(process->command_line, "");
    EXPECT_EQ(process->cgroup_path, "");
    EXPECT_EQ(process->container, "");
    EXPECT_EQ(process->uid, std::nullopt);
    EXPECT_EQ(process->fds_used, std::nullopt);
    EXPECT_EQ(process->fd_limit_soft, std::nullopt);
    EXPECT_EQ(process->fd_limit_hard, std::nullopt);
}

TEST(ProcFs, AVanishedProcessIsGone)
{
    const StubTree tree;
    tree.directory("43"); // as when it ends between the opening of its directory and the reading
    const ProcFs procfs(tree.root());
    for (const std::uint32_t pid : {42U, 43U}) {
        const auto process = procfs.process(pid);
        ASSERT_FALSE(process.has_value());
        EXPECT_TRUE(is_gone(process.error())) << process.error().message();
        EXPECT_NE(process.error().what.find(std::to_string(pid)), std::string::npos);
        EXPECT_TRUE(is_gone(procfs.stat(pid).error()));
        EXPECT_TRUE(is_gone(procfs.command_line(pid).error()));
        EXPECT_TRUE(is_gone(procfs.cgroup(pid).error()));
        EXPECT_TRUE(is_gone(procfs.limits(pid).error()));
        EXPECT_TRUE(is_gone(procfs.descriptor_count(pid).error()));
        EXPECT_TRUE(is_gone(procfs.uid(pid).error()));
    }
}

TEST(ProcFs, MalformedFilesAreErrorsButNoEnd)
{
    const StubTree tree;
    for (const std::string& text : {""s, "42 (a) S"s, std::string(1 << 20, '(')}) {
        tree.file("42/stat", text);
        tree.file("42/limits", text);
        const ProcFs procfs(tree.root());
        for (const Error& error :
             {procfs.process(42).error(), procfs.stat(42).error(), procfs.limits(42).error()}) {
            EXPECT_EQ(error.error_number, EBADMSG);
            EXPECT_FALSE(is_gone(error));
        }
    }
}

TEST(ProcFs, ReadsAreBounded)
{
    const StubTree tree;
    tree.file("42/cmdline", std::string(10 << 20, 'x'));
    tree.file("42/cgroup", "0::/" + std::string(10 << 20, 'x'));
    const ProcFs procfs(tree.root());
    EXPECT_EQ(procfs.command_line(42), std::string(4096, 'x'));
    EXPECT_LE(procfs.cgroup(42)->size(), 64U * 1024);
}

TEST(ProcFs, PidsAreTheNumericEntries)
{
    const StubTree tree;
    for (const char* name : {"1", "4194304", "self", "net", "12a", "-1", "99999999999"}) {
        tree.directory(name);
    }
    auto pids = ProcFs(tree.root()).pids();
    ASSERT_TRUE(pids.has_value());
    std::sort(pids->begin(), pids->end());
    EXPECT_EQ(*pids, (std::vector<std::uint32_t>{1, 4194304}));
    EXPECT_EQ(ProcFs(tree.root() / "none").pids().error().error_number, ENOENT);
}

/// The host's own /proc: this process is there, and what it says of itself is so.
TEST(ProcFs, KnowsThisProcess)
{
    const ProcFs procfs;
    const auto pid = static_cast<std::uint32_t>(::getpid());
    const auto before = procfs.process(pid);
    ASSERT_TRUE(before.has_value()) << before.error().message();
    EXPECT_EQ(before->pid, pid);
    EXPECT_EQ(before->parent_pid, static_cast<std::uint32_t>(::getppid()));
    EXPECT_EQ(before->uid, ::getuid());
    EXPECT_NE(before->command_line.find("processes"), std::string::npos);
    ASSERT_TRUE(before->fds_used.has_value());

    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    EXPECT_EQ(procfs.descriptor_count(pid), *before->fds_used + 2);
    ::close(ends[0]);
    ::close(ends[1]);
}

/// Children that end while they are read: the answer is whole or that they are gone, never a part.
TEST(ProcFs, AnEndInTheMiddleLeavesNoHalfAnswer)
{
    const ProcFs procfs;
    constexpr int kChildren = 150;
    struct sigaction reap = {};
    struct sigaction before = {};
    reap.sa_handler = SIG_DFL;
    reap.sa_flags = SA_NOCLDWAIT; // the kernel reaps, so that an ended child vanishes at once
    ASSERT_EQ(::sigaction(SIGCHLD, &reap, &before), 0);
    for (int child = 0; child < kChildren; ++child) {
        const pid_t pid = ::fork();
        ASSERT_GE(pid, 0);
        if (pid == 0) {
            ::usleep(static_cast<useconds_t>(child % 50) * 4);
            ::_exit(0);
        }
        auto process = procfs.process(static_cast<std::uint32_t>(pid));
        for (; process; process = procfs.process(static_cast<std::uint32_t>(pid))) {
            EXPECT_TRUE(process->uid.has_value());
            EXPECT_TRUE(process->fd_limit_soft.has_value());
        }
        EXPECT_TRUE(is_gone(process.error())) << process.error().message();
    }
    ASSERT_EQ(::sigaction(SIGCHLD, &before, nullptr), 0);
}

} // namespace
} // namespace tcpledger
