// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Who holds what, as the iterator tells it, against descriptors the test made.
#include "kernel/task_file_scan.hpp"

#include "kernel/libbpf_log.hpp"
#include "private_network.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <tuple>

namespace tcpledger {
namespace {

using Holding = std::tuple<std::uint32_t, std::uint32_t, std::uint64_t>; // pid, fd, cookie

std::set<Holding> holdings_in(const TaskFileScan& scan, std::uint32_t netns_inum)
{
    std::set<Holding> found;
    const Expected<void> done = scan.run([&](const tl_holder& holder) {
        if (holder.netns_inum == netns_inum) {
            found.emplace(holder.process.tgid, holder.fd, holder.cookie);
        }
    });
    EXPECT_TRUE(done) << done.error().message();
    return found;
}

Holding holding_of(pid_t pid, const test::BoundSocket& socket)
{
    return {static_cast<std::uint32_t>(pid), static_cast<std::uint32_t>(socket.fd.get()),
            socket.cookie()};
}

TEST(TaskFileScan, FindsEachDescriptorOfEachProcess)
{
    route_libbpf_messages();
    const test::PrivateNetwork network;
    const Expected<TaskFileScan> scan = TaskFileScan::open();
    ASSERT_TRUE(scan) << scan.error().message();

    const test::BoundSocket listener = test::listen_on_loopback(AF_INET);
    const test::BoundSocket client = test::connect_to(listener);
    const test::BoundSocket server = test::accept_from(listener);
    const UniqueFd udp(::socket(AF_INET, SOCK_DGRAM, 0)); // not TCP: not listed
    const std::set<Holding> mine = {holding_of(::getpid(), listener),
                                    holding_of(::getpid(), client), holding_of(::getpid(), server)};
    EXPECT_EQ(holdings_in(*scan, network.inum()), mine);

    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    std::set<Holding> both = mine;
    for (const auto* socket : {&listener, &client, &server}) {
        both.insert(holding_of(child, *socket));
    }
    EXPECT_EQ(holdings_in(*scan, network.inum()), both);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_EQ(holdings_in(*scan, network.inum()), mine);
}

TEST(TaskFileScan, KnowsTheNamespaceOfASingleThread)
{
    route_libbpf_messages();
    const Expected<TaskFileScan> scan = TaskFileScan::open();
    ASSERT_TRUE(scan) << scan.error().message();
    std::uint32_t inum = 0;
    {
        const test::PrivateNetwork network;
        inum = network.inum();
        const auto inums = scan->netns();
        ASSERT_TRUE(inums) << inums.error().message();
        EXPECT_TRUE(inums->contains(inum));
        EXPECT_GE(inums->size(), 2U) << "there is the one it came from, too";
    }
    const auto inums = scan->netns();
    ASSERT_TRUE(inums);
    EXPECT_FALSE(inums->contains(inum)) << "nobody is there any more";
}

} // namespace
} // namespace tcpledger
