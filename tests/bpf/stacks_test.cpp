// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The stacks that the programs take of whoever opens a socket: of this very test, whose functions
// are known.
#include "kernel/tracer.hpp"

#include "kernel/libbpf_log.hpp"
#include "private_network.hpp"
#include "procfs/mappings.hpp"
#include "stacks/dwfl_program.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tcpledger {
namespace {

using test::PrivateNetwork;

using test::BoundSocket;
using test::listen_on_loopback;

[[gnu::noinline]] BoundSocket connect_from_here(const BoundSocket& listener)
{
    BoundSocket socket = test::connect_to(listener);
    EXPECT_TRUE(socket.fd.valid());
    return socket;
}

[[gnu::noinline]] BoundSocket accept_from_here(const BoundSocket& listener)
{
    BoundSocket socket = test::accept_from(listener);
    EXPECT_TRUE(socket.fd.valid());
    return socket;
}

/// This process as the stack helper would know it.
class OwnProgram {
public:
    OwnProgram()
    {
        const auto root = ProcessRoot::open(static_cast<std::uint32_t>(::getpid()));
        KnowProgram known;
        std::vector<UniqueFd> files;
        const auto mappings = root->mappings();
        for (const ExecutableMapping& mapping : *mappings) {
            if (UniqueFd file = root->open_mapped(mapping); file.valid()) {
                known.mapped.push_back({mapping.start, mapping.end, mapping.offset,
                                        static_cast<std::int32_t>(files.size()), mapping.path});
                files.push_back(std::move(file));
            }
        }
        program_ = std::make_unique<DwflProgram>(known, files);
    }

    std::vector<std::string> functions(const tl_stack& stack)
    {
        Unwind request;
        std::ranges::copy(stack.registers, request.registers.begin());
        request.stack.resize(stack.stack_bytes);
        std::memcpy(request.stack.data(), stack.stack, stack.stack_bytes);
        std::vector<std::string> names;
        for (const StackFrame& frame : program_->name(program_->unwind(request).addresses).frames) {
            names.push_back(frame.function);
        }
        return names;
    }

private:
    std::unique_ptr<DwflProgram> program_;
};

bool has(const std::vector<std::string>& functions, std::string_view ending)
{
    return std::ranges::any_of(functions,
                               [&](const std::string& name) { return name.ends_with(ending); });
}

class StacksTest : public testing::TestWithParam<HookMode> {
protected:
    void open(const StackOptions& options)
    {
        route_libbpf_messages();
        Expected<Tracer> opened = Tracer::open({.hooks = GetParam(), .stacks = options});
        ASSERT_TRUE(opened) << opened.error().message();
        tracer_.emplace(std::move(*opened));
        ring_ = tracer_->take_stack_ring();
        ASSERT_TRUE(ring_);
        EXPECT_FALSE(tracer_->take_stack_ring()) << "one thread reads it";
    }

    /// Of this process, by cookie.
    std::map<std::uint64_t, tl_stack> drain()
    {
        std::map<std::uint64_t, tl_stack> stacks;
        while (ring_->look() == RecordRing::Front::kRecord) {
            tl_stack stack{};
            EXPECT_EQ(ring_->record().size(), sizeof(stack));
            std::memcpy(&stack, ring_->record().data(), sizeof(stack));
            if (stack.tgid == static_cast<std::uint32_t>(::getpid())) {
                stacks[stack.cookie] = stack;
            }
            ring_->pop();
            ring_->give_back();
        }
        return stacks;
    }

    PrivateNetwork network_;
    std::optional<Tracer> tracer_;
    std::optional<RecordRing> ring_;
    OwnProgram program_;
};

TEST_P(StacksTest, TellWhoConnectsAndWhoAccepts)
{
    ASSERT_NO_FATAL_FAILURE(open({}));
    const auto listener = listen_on_loopback(AF_INET);
    const BoundSocket client = connect_from_here(listener);
    const BoundSocket server = accept_from_here(listener);
    auto stacks = drain();
    ASSERT_TRUE(stacks.contains(client.cookie()));
    const tl_stack& connected = stacks[client.cookie()];
    EXPECT_EQ(connected.opening, TL_OPENED_BY_CONNECT);
    EXPECT_EQ(connected.tid, static_cast<std::uint32_t>(::gettid()));
    EXPECT_GT(connected.stack_bytes, 0U);
    EXPECT_TRUE(has(program_.functions(connected), "connect_from_here"));
    EXPECT_TRUE(has(program_.functions(connected), "main"));

    ASSERT_TRUE(stacks.contains(server.cookie()));
    const tl_stack& accepted = stacks[server.cookie()];
    EXPECT_EQ(accepted.opening, TL_OPENED_BY_ACCEPT);
    EXPECT_TRUE(has(program_.functions(accepted), "accept_from_here"));
}

TEST_P(StacksTest, OfAThreadAreThoseOfItsOwnStack)
{
    ASSERT_NO_FATAL_FAILURE(open({}));
    const auto listener = listen_on_loopback(AF_INET);
    BoundSocket client;
    std::thread([&] { client = connect_from_here(listener); }).join(); // in our namespace
    auto stacks = drain();
    ASSERT_TRUE(stacks.contains(client.cookie()));
    const auto functions = program_.functions(stacks[client.cookie()]);
    EXPECT_TRUE(has(functions, "connect_from_here"));
    EXPECT_FALSE(has(functions, "main"));
}

TEST_P(StacksTest, AreSampledByProcessAndPlaceAndEachIsCounted)
{
    constexpr int kConnections = 60;
    ASSERT_NO_FATAL_FAILURE(open({.of_process = 40, .of_place = 10}));
    const auto listener = listen_on_loopback(AF_INET);
    std::vector<BoundSocket> sockets;
    const tl_stack_counters before = tracer_->stack_counters();
    for (int number = 0; number < kConnections; ++number) {
        sockets.push_back(connect_from_here(listener));
        sockets.push_back(test::accept_from(listener));
    }
    const auto stacks = drain();
    const auto taken = static_cast<std::size_t>(
        std::ranges::count(stacks, std::uint32_t{TL_OPENED_BY_CONNECT},
                           [](const auto& entry) { return entry.second.opening; }));
    const tl_stack_counters after = tracer_->stack_counters();
    EXPECT_GE(taken, 10U);
    EXPECT_LE(taken, 20U) << "of one place, in at most two windows of a second";
    EXPECT_GE(after.over_budget - before.over_budget, kConnections - taken);
    EXPECT_EQ(after.lost_ring_full, 0U);
}

TEST_P(StacksTest, OfOtherCgroupsAreNotTaken)
{
    ASSERT_NO_FATAL_FAILURE(open({.of_cgroup = ~std::uint64_t{0}}));
    const auto listener = listen_on_loopback(AF_INET);
    const BoundSocket client = connect_from_here(listener);
    EXPECT_TRUE(drain().empty());
}

INSTANTIATE_TEST_SUITE_P(Hooks, StacksTest,
                         testing::Values(HookMode::kTracepoints, HookMode::kAuto),
                         [](const testing::TestParamInfo<HookMode>& hooks) {
                             return hooks.param == HookMode::kAuto ? "Refined" : "Tracepoints";
                         });

} // namespace
} // namespace tcpledger
