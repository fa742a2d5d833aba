// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a record says of its process is what it was at that moment, however quickly it changes: the
// programs remember the one they told of before.
#include "tracer_fixture.hpp"

#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <string>

namespace tcpledger {
namespace {

using namespace test;

constexpr int kRounds = 300;

/// On one CPU, so that all records go by one lane.
struct ProcessRecordTest : TracerTest {
    void SetUp() override
    {
        ASSERT_EQ(0, ::sched_getaffinity(0, sizeof(before_), &before_));
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
        ASSERT_EQ(0, ::sched_setaffinity(0, sizeof(one), &one));
        TracerTest::SetUp();
    }
    void TearDown() override { ::sched_setaffinity(0, sizeof(before_), &before_); }

    cpu_set_t before_{};
};

/// The process of each connect(), in turn.
std::vector<tl_process> openers(const std::vector<Seen>& all)
{
    std::vector<tl_process> processes;
    for (const Seen& seen : all) {
        if (seen.transition.new_state == kSynSent) {
            processes.push_back(seen.process);
        }
    }
    return processes;
}

/// Of the calling thread alone, and only the real one: it remains who it is.
void become(std::uint32_t uid)
{
    ASSERT_EQ(0, ::syscall(SYS_setresuid, uid, -1, -1));
}

TEST_F(ProcessRecordTest, ItsUserAndNameAreThoseOfTheMoment)
{
    const std::uint32_t self = ::getuid();
    const BoundSocket listener = listen_on_loopback(AF_INET);
    for (std::uint32_t round = 0; round < kRounds; ++round) {
        become(1000 + round);
        ::prctl(PR_SET_NAME, ("round " + std::to_string(round)).c_str());
        const BoundSocket client = connect_to(listener);
        const BoundSocket server = accept_from(listener);
    }
    become(self);
    const std::vector<tl_process> told = openers(drain());
    ASSERT_EQ(told.size(), kRounds);
    for (std::uint32_t round = 0; round < kRounds; ++round) {
        EXPECT_EQ(told[round].uid, 1000 + round);
        EXPECT_EQ(std::string(told[round].comm), "round " + std::to_string(round));
        EXPECT_EQ(told[round].tgid, static_cast<std::uint32_t>(::getpid()));
        EXPECT_EQ(told[round].start_ns, told[0].start_ns);
    }
}

TEST_F(ProcessRecordTest, EachOfManyShortLivedOnesIsItself)
{
    const BoundSocket listener = listen_on_loopback(AF_INET);
    std::vector<std::uint32_t> children;
    for (int round = 0; round < kRounds; ++round) {
        const pid_t child = ::fork();
        if (child == 0) {
            const BoundSocket client = connect_to(listener);
            ::_exit(client.fd.valid() ? 0 : 1);
        }
        int status = 0;
        ASSERT_EQ(child, ::waitpid(child, &status, 0));
        ASSERT_EQ(status, 0);
        children.push_back(static_cast<std::uint32_t>(child));
        const BoundSocket server = accept_from(listener);
    }
    const std::vector<tl_process> told = openers(drain());
    ASSERT_EQ(told.size(), children.size());
    for (std::size_t round = 0; round < children.size(); ++round) {
        EXPECT_EQ(told[round].tgid, children[round]);
        EXPECT_TRUE(round == 0 || told[round].start_ns > told[round - 1].start_ns);
    }
}

TEST_F(ProcessRecordTest, APidUsedAgainAtOnceIsAnotherProcess)
{
    const BoundSocket listener = listen_on_loopback(AF_INET);
    const pid_t first = ::fork();
    if (first == 0) {
        ::_exit(0);
    }
    ASSERT_EQ(first, ::waitpid(first, nullptr, 0));
    for (int round = 0; round < kRounds; ++round) {
        pid_t wanted = first;
        clone_args arguments{};
        arguments.exit_signal = SIGCHLD;
        arguments.set_tid = reinterpret_cast<std::uintptr_t>(&wanted);
        arguments.set_tid_size = 1;
        const auto child = static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof(arguments)));
        ASSERT_GE(child, 0) << std::strerror(errno);
        if (child == 0) {
            const BoundSocket client = connect_to(listener);
            ::_exit(client.fd.valid() ? 0 : 1);
        }
        ASSERT_EQ(child, first);
        int status = 0;
        ASSERT_EQ(child, ::waitpid(child, &status, 0));
        ASSERT_EQ(status, 0);
        const BoundSocket server = accept_from(listener);
    }
    std::set<std::uint64_t> starts;
    for (const tl_process& process : openers(drain())) {
        EXPECT_EQ(process.tgid, static_cast<std::uint32_t>(first));
        starts.insert(process.start_ns);
    }
    EXPECT_EQ(starts.size(), kRounds);
}

} // namespace
} // namespace tcpledger
