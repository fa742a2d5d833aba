// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// bcc's letters, filters, and the connect() that has no local port yet.
#include "commands/trace_filter.hpp"

#include "filter/parser.hpp"
#include "trace_lines.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

using namespace test;
using enum TcpState;

struct Letters : testing::Test {
    TraceOptions options;
    std::vector<TraceLine> shown;

    void pass(TraceFilter& filter, const TraceLine& transition)
    {
        filter.pass(transition, [this](const TraceLine& line) { shown.push_back(line); });
    }
    [[nodiscard]] bool passes(const TraceLine& transition)
    {
        TraceFilter filter(options);
        shown.clear();
        pass(filter, transition);
        return shown.size() == 1;
    }
};

TEST_F(Letters, WithoutLettersAllPass)
{
    EXPECT_TRUE(passes(line(7, 40000, kEstablished, kCloseWait)));
    EXPECT_TRUE(passes(line(7, 0, kClose, kSynSent)));
    TraceLine nobodys = line(7, 40000, kEstablished, kCloseWait);
    nobodys.pid.reset();
    EXPECT_TRUE(passes(nobodys));
}

TEST_F(Letters, ByPid)
{
    options.pid = 812;
    TraceLine one = line(7, 40000, kEstablished, kCloseWait);
    EXPECT_TRUE(passes(one));
    one.pid = 813;
    EXPECT_FALSE(passes(one));
    one.pid.reset();
    EXPECT_FALSE(passes(one)) << "nobody's is not everybody's";
}

TEST_F(Letters, ByRemotePort)
{
    options.remote_ports = {80, 443};
    TraceLine one = line(7, 40000, kEstablished, kCloseWait);
    EXPECT_TRUE(passes(one));
    one.tuple.remote.port = 444;
    EXPECT_FALSE(passes(one));
}

TEST_F(Letters, ByFamily)
{
    TraceLine four = line(7, 40000, kEstablished, kCloseWait);
    TraceLine six = four;
    six.tuple.local.address = IpAddress{};
    six.tuple.local.address.bytes[0] = 0x20;
    six.tuple.remote.address = six.tuple.local.address;
    options.only_ipv4 = true;
    EXPECT_TRUE(passes(four));
    EXPECT_FALSE(passes(six));
    options.only_ipv4 = false;
    options.only_ipv6 = true;
    EXPECT_FALSE(passes(four));
    EXPECT_TRUE(passes(six));
}

/// At CLOSE → SYN_SENT to a mapped address the local one is :: still.
TEST_F(Letters, ByFamilyOfAConnectToAMappedAddress)
{
    TraceLine connect = line(7, 0, kClose, kSynSent);
    connect.tuple.local.address = IpAddress{};
    options.only_ipv4 = true;
    EXPECT_TRUE(passes(connect));
    options.only_ipv4 = false;
    options.only_ipv6 = true;
    EXPECT_FALSE(passes(connect));
}

TEST_F(Letters, ByLocalPort)
{
    options.local_ports = {40000};
    EXPECT_TRUE(passes(line(7, 40000, kEstablished, kCloseWait)));
    EXPECT_FALSE(passes(line(7, 40001, kEstablished, kCloseWait)));
}

/// CLOSE → SYN_SENT waits for the port and is then shown first, with it.
TEST_F(Letters, ConnectWaitsForItsLocalPort)
{
    options.local_ports = {40000};
    TraceFilter filter(options);
    pass(filter, line(7, 0, kClose, kSynSent));
    EXPECT_TRUE(shown.empty());
    EXPECT_EQ(filter.waiting(), 1U);
    pass(filter, line(7, 40000, kSynSent, kEstablished));
    ASSERT_EQ(shown.size(), 2U);
    EXPECT_EQ(shown[0].new_state, kSynSent);
    EXPECT_EQ(shown[0].tuple.local.port, 40000);
    EXPECT_EQ(shown[1].new_state, kEstablished);
    EXPECT_EQ(filter.waiting(), 0U);
}

TEST_F(Letters, ConnectFromAnotherPortIsDropped)
{
    options.local_ports = {40000};
    TraceFilter filter(options);
    pass(filter, line(7, 0, kClose, kSynSent));
    pass(filter, line(7, 40001, kSynSent, kClose));
    EXPECT_TRUE(shown.empty());
    EXPECT_EQ(filter.waiting(), 0U);
}

TEST_F(Letters, WaitingConnectionsAreToldApart)
{
    options.local_ports = {40000};
    TraceFilter filter(options);
    pass(filter, line(7, 0, kClose, kSynSent));
    pass(filter, line(8, 0, kClose, kSynSent));
    pass(filter, line(8, 40000, kSynSent, kEstablished));
    ASSERT_EQ(shown.size(), 2U);
    EXPECT_EQ(shown[0].cookie, 8U);
    EXPECT_EQ(filter.waiting(), 1U);
}

TEST_F(Letters, OtherLettersHoldForTheConnectThatWaited)
{
    options.local_ports = {40000};
    options.pid = 812;
    TraceFilter filter(options);
    TraceLine connect = line(7, 0, kClose, kSynSent);
    connect.pid = 999;
    pass(filter, connect);
    pass(filter, line(7, 40000, kSynSent, kEstablished));
    ASSERT_EQ(shown.size(), 1U) << "another process's connect()";
    EXPECT_EQ(shown[0].new_state, kEstablished);
}

TEST_F(Letters, AConnectThatFailsWithoutAPort)
{
    options.local_ports = {40000};
    TraceFilter filter(options);
    pass(filter, line(7, 0, kClose, kSynSent));
    pass(filter, line(7, 0, kSynSent, kClose));
    EXPECT_TRUE(shown.empty());
    EXPECT_EQ(filter.waiting(), 0U) << "nothing waits for a socket that is over";
}

TEST_F(Letters, ConnectingAgainTakesThePlaceOfTheFirst)
{
    options.local_ports = {40000};
    TraceFilter filter(options);
    pass(filter, line(7, 0, kClose, kSynSent));
    pass(filter, line(7, 0, kClose, kSynSent)); // the records between were lost
    EXPECT_EQ(filter.waiting(), 1U);
    pass(filter, line(7, 40000, kSynSent, kEstablished));
    EXPECT_EQ(shown.size(), 2U);
}

struct Expressions : Letters {
    static tcpledger::Filter read(const std::string& text)
    {
        auto filter = parse_filter(std::vector{text}, {});
        EXPECT_TRUE(filter) << filter.error().message();
        return std::move(*filter);
    }
    [[nodiscard]] bool passes(const std::string& text, const TraceLine& transition)
    {
        TraceFilter filter(options, read(text), [](const ProcessKey& key) {
            return key.pid == 812 ? std::string_view("web") : std::string_view();
        });
        shown.clear();
        pass(filter, transition);
        return shown.size() == 1;
    }
};

TEST_F(Expressions, AskTheTransition)
{
    TraceLine one = line(7, 40000, kEstablished, kCloseWait);
    one.process = {812, 1};
    one.family = 2;
    one.time_in_old_state = std::chrono::seconds(90);
    for (const char* text : {"state close-wait", "sport = 40000 dport = :443", "comm = cu*",
                             "pid = 812", "owner = curl", "src 10.0.0.1", "age > 60s",
                             "container = web", "netns = 4026531840", "sk = 7"}) {
        EXPECT_TRUE(passes(text, one)) << text;
    }
    for (const char* text :
         {"state established", "exclude close-wait", "dport = :80", "comm = wget", "not pid = 812",
          "age > 120s", "container = db", "unaccepted", "ino = 3", "src inet6:[::1]"}) {
        EXPECT_FALSE(passes(text, one)) << text;
    }
}

TEST_F(Expressions, HoldBesideTheLetters)
{
    options.pid = 812;
    EXPECT_TRUE(passes("dport = :443", line(7, 40000, kEstablished, kCloseWait)));
    options.pid = 813;
    EXPECT_FALSE(passes("dport = :443", line(7, 40000, kEstablished, kCloseWait)));
}

TEST_F(Expressions, NobodysConnectionHasNoOwner)
{
    TraceLine one = line(7, 40000, kEstablished, kCloseWait);
    one.pid.reset();
    one.how = How::kUnknown;
    one.comm = "[unknown]";
    EXPECT_FALSE(passes("owner = *", one));
    one.how = How::kHeld;
    one.comm = "[kernel]";
    EXPECT_TRUE(passes("owner = \\[kernel\\]", one));
}

TEST_F(Expressions, AboutBindings)
{
    TraceLine one = line(7, 40000, kEstablished, kCloseWait);
    one.mark = 0x17;
    one.interface_index = 3;
    one.port_origin = PortOrigin::kGiven;
    const auto in_netns = [](SocketView& view) {
        view.interface_name = view.interface_index == 3 ? "eth0" : "";
        view.autobound = view.tuple.local.port >= 32768;
    };
    const auto holds = [&](const std::string& text) {
        Names names;
        names.interface_index = [](std::string_view) { return std::optional(0xffffffffU); };
        auto filter = parse_filter(std::vector{text}, names);
        return TraceFilter(options, std::move(*filter), {}, in_netns).matches(one);
    };
    EXPECT_TRUE(holds("fwmark = 0x17"));
    EXPECT_TRUE(holds("fwmark = 7/7 dev = eth0"));
    EXPECT_FALSE(holds("dev = eth1"));
    EXPECT_FALSE(holds("autobound")) << "bind() was given it";
    EXPECT_FALSE(holds("not autobound")) << "but it is in the range: as ss, neither";
    one.port_origin = PortOrigin::kChosen;
    EXPECT_TRUE(holds("autobound"));
    one.tuple.local.port = 80;
    EXPECT_FALSE(holds("autobound"));
    EXPECT_FALSE(holds("not autobound")) << "accepted: not given, but not in the range either";
    one.port_origin = PortOrigin::kGiven;
    EXPECT_TRUE(holds("not autobound"));
}

TEST_F(Expressions, OfTheLocalEndMakeAConnectWait)
{
    TraceFilter filter(options, read("sport = 40000 or src 10.9.9.9"));
    pass(filter, line(7, 0, kClose, kSynSent));
    EXPECT_TRUE(shown.empty());
    pass(filter, line(7, 40000, kSynSent, kEstablished));
    EXPECT_EQ(shown.size(), 2U);
}

} // namespace
} // namespace tcpledger
