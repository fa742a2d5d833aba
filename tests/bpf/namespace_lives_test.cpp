// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which of the namespaces that records were of have ended, against ones the test made and left.
#include "tracer_fixture.hpp"

#include "kernel/namespace_lives.hpp"

#include <chrono>
#include <set>
#include <thread>

namespace tcpledger {
namespace {

using namespace test;
using namespace std::chrono_literals;

struct NamespaceLivesTest : TracerTest {
    void SetUp() override
    {
        TracerTest::SetUp();
        auto opened = NamespaceLives::open(tracer_->namespaces_fd());
        ASSERT_TRUE(opened) << opened.error().message();
        lives_.emplace(std::move(*opened));
    }
    /// Nothing where the tracer met none of that number.
    [[nodiscard]] std::optional<bool> has_ended(std::uint32_t inum) const
    {
        const auto ended = lives_->ended();
        EXPECT_TRUE(ended) << ended.error().message();
        const auto life = ended->find(inum);
        return life != ended->end() ? std::optional(life->second) : std::nullopt;
    }
    /// The kernel clears up a namespace some time after its last user has left.
    [[nodiscard]] bool ends_soon(std::uint32_t inum) const
    {
        for (int i = 0; i < 100 && has_ended(inum) != true; ++i) {
            std::this_thread::sleep_for(20ms);
        }
        return has_ended(inum) == true;
    }
    static void talk()
    {
        BoundSocket listener = listen_on_loopback(AF_INET);
        BoundSocket client = connect_to(listener);
        BoundSocket server = accept_from(listener);
        close_in_turn(client, server);
    }

    std::optional<NamespaceLives> lives_;
};

TEST_F(NamespaceLivesTest, OneThatIsNotUsedAnyMoreHasEnded)
{
    std::uint32_t inum = 0;
    {
        const PrivateNetwork other;
        inum = other.inum();
        talk();
        EXPECT_EQ(has_ended(inum), false);
    }
    EXPECT_TRUE(ends_soon(inum));
    talk();
    EXPECT_EQ(has_ended(network_.inum()), false);
}

TEST_F(NamespaceLivesTest, OneThatMadeNoRecordIsNotKnown)
{
    const PrivateNetwork other;
    EXPECT_EQ(has_ended(other.inum()), std::nullopt);
}

/// Which no look from outside finds.
TEST_F(NamespaceLivesTest, ADescriptorAloneKeepsOne)
{
    std::uint32_t inum = 0;
    UniqueFd kept;
    {
        const PrivateNetwork other;
        inum = other.inum();
        talk();
        kept = UniqueFd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    }
    std::this_thread::sleep_for(200ms);
    EXPECT_EQ(has_ended(inum), false);
    kept.reset();
    EXPECT_TRUE(ends_soon(inum));
}

/// The kernel gives the number to the next one.
TEST_F(NamespaceLivesTest, ANumberUsedAgainIsOfTheOneThatLives)
{
    std::uint32_t first = 0;
    {
        const PrivateNetwork other;
        first = other.inum();
        talk();
    }
    ASSERT_TRUE(ends_soon(first));
    std::vector<std::uint32_t> again; // numbers that had one before
    std::set<std::uint32_t> met{first};
    // A number is free some time after its namespace has ended.
    for (int round = 0; round < 500 && again.size() < 10; ++round) {
        std::this_thread::sleep_for(10ms);
        const PrivateNetwork other;
        talk();
        talk();
        EXPECT_EQ(has_ended(other.inum()), false);
        if (!met.insert(other.inum()).second) {
            again.push_back(other.inum());
        }
    }
    ASSERT_EQ(again.size(), 10U);
    talk();
    drain();
    for (const std::uint32_t inum : again) { // others on this host use numbers again too
        EXPECT_GE(std::ranges::count(begun_, inum), std::ranges::count(again, inum));
    }
    EXPECT_EQ(std::ranges::count(begun_, network_.inum()), 0) << "it came after none";
}

} // namespace
} // namespace tcpledger
