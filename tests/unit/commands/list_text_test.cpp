// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A socket in ss's words.
#include "commands/list_text.hpp"

#include "hostile.hpp"
#include "listed_sockets.hpp"

namespace tcpledger {
namespace {

using namespace test;

struct List : ListedFixture {
    ListOptions options;
    NamespaceList namespaces;

    List()
    {
        options.numeric = true;
        NetworkNamespace& only = namespaces.namespaces.emplace_back();
        only.inum = 7;
        only.name = "blue";
    }
    [[nodiscard]] std::string line()
    {
        HostNames names(namespaces);
        ListText text(options, namespaces, names);
        ListColumns columns;
        columns.hide(ListColumn::kNetid);
        columns.hide(ListColumn::kNetns);
        text.append(columns, listed());
        std::string out;
        columns.write([&](std::string_view lines) { out += lines; }, false);
        EXPECT_TRUE(out.ends_with('\n'));
        out.pop_back();
        return out;
    }
};

TEST_F(List, ReadsLikeSs)
{
    EXPECT_EQ(line(), "ESTAB 12 34 10.0.0.1:40000 10.0.0.2:443");
    options.processes = true;
    holders = {holder_of(812, 5, "nginx"), holder_of(812, 6, "nginx"), holder_of(813, 5, "nginx")};
    EXPECT_EQ(line(), "ESTAB 12 34 10.0.0.1:40000 10.0.0.2:443 "
                      "users:((\"nginx\",pid=813,fd=5),(\"nginx\",pid=812,fd=6),"
                      "(\"nginx\",pid=812,fd=5))");
}

TEST_F(List, WhereNobodyHoldsItTheOwnerIsNamed)
{
    options.processes = true;
    how = How::kListener;
    EXPECT_TRUE(line().ends_with(" owner:((\"nginx\",pid=812,listener))")) << line();
    unaccepted = true;
    EXPECT_TRUE(line().ends_with(" owner:((\"nginx\",pid=812,unaccepted))")) << line();
    owner = holder_of(0, 0, "[kernel]");
    EXPECT_TRUE(line().ends_with(" owner:([kernel])")) << line();
    owned = false;
    EXPECT_TRUE(line().ends_with("10.0.0.2:443")) << line();
}

TEST_F(List, Endpoints)
{
    struct Case {
        IpAddress local;
        std::uint8_t family;
        bool ipv6_only;
        const char* text;
    };
    IpAddress loopback6;
    loopback6.bytes[15] = 1;
    row.state = TcpState::kListen;
    row.tuple.remote = {};
    for (const Case& expected :
         {Case{IpAddress::from_ipv4_be(0), AF_INET, false, " 0.0.0.0:80 "},
          Case{IpAddress{}, AF_INET6, false, " *:80 "},
          Case{IpAddress{}, AF_INET6, true, " [::]:80 "},
          Case{loopback6, AF_INET6, true, " [::1]:80 "},
          Case{ipv4_of(10, 0, 0, 1), AF_INET6, false, " [::ffff:10.0.0.1]:80 "}}) {
        row.tuple.local = {expected.local, 80};
        row.family = expected.family;
        row.ipv6_only = expected.ipv6_only;
        EXPECT_NE(line().find(expected.text), std::string::npos) << expected.text << line();
    }
    EXPECT_TRUE(line().ends_with(":*")) << "a listener's remote port is *: " << line();
}

TEST_F(List, Extended)
{
    options.extended = true;
    EXPECT_TRUE(line().ends_with(" uid:1000 ino:777 sk:2a")) << line();
    row.uid = 0;
    row.mark = 0x1f;
    row.has_shutdown = true;
    row.shutdown_mask = 1;
    EXPECT_TRUE(line().ends_with(" ino:777 sk:2a fwmark:0x1f -->")) << line();
    row.shutdown_mask = 2;
    EXPECT_TRUE(line().ends_with(" <--")) << line();
    row.family = AF_INET6;
    row.state = TcpState::kListen;
    row.shutdown_mask = 0;
    EXPECT_TRUE(line().ends_with(" v6only:0 <->")) << line();
}

TEST(Timer, IsWrittenAsSsWritesIt)
{
    struct Case {
        SocketTimer timer;
        std::uint32_t milliseconds;
        const char* text;
    };
    for (const Case& expected :
         {Case{SocketTimer::kNone, 0, ""},
          Case{SocketTimer::kKeepalive, 7'199'000, " timer:(keepalive,119min,1)"},
          Case{SocketTimer::kKeepalive, 80'500, " timer:(keepalive,1min20sec,1)"},
          Case{SocketTimer::kTimeWait, 56'123, " timer:(timewait,56sec,1)"},
          Case{SocketTimer::kPersist, 7'392, " timer:(persist,7.392ms,1)"},
          Case{SocketTimer::kPersist, 7'000, " timer:(persist,7sec,1)"},
          Case{SocketTimer::kRetransmit, 96, " timer:(on,096ms,1)"},
          Case{SocketTimer::kUnknown, 0, " timer:(unknown,,1)"}}) {
        SocketRow row = row_of();
        row.timer = expected.timer;
        row.timer_ms = expected.milliseconds;
        row.retransmits = 1;
        std::string text;
        append_timer(text, row);
        EXPECT_EQ(text, expected.text);
    }
}

TEST_F(List, DetailsStandBelowOrWithOneLineBeside)
{
    options.memory = true;
    details.has_memory = true;
    EXPECT_TRUE(line().ends_with(":443\n\t skmem:(r0,rb0,t0,tb0,f0,w0,o0,bl0,d0)")) << line();
    options.one_line = true;
    EXPECT_TRUE(line().ends_with(":443 skmem:(r0,rb0,t0,tb0,f0,w0,o0,bl0,d0)")) << line();
}

TEST_F(List, NamespacesByNameOrNumber)
{
    HostNames names(namespaces);
    const ListText text(options, namespaces, names);
    std::string out;
    text.append_netns(out, 7);
    text.append_netns(out, 8);
    EXPECT_EQ(out, "blue8");
    namespaces.namespaces.front().name = "two words";
    out.clear();
    text.append_netns(out, 7);
    EXPECT_EQ(out, "7") << "a blank would shift the columns";
}

TEST_F(List, HostileNamesAreHarmless)
{
    options.processes = true;
    for (const std::string& name : kHostileNames) {
        owner = holder_of(812, 0, name);
        holders.clear();
        EXPECT_TRUE(is_harmless(line())) << line();
        holders = {holder_of(812, 5, name)};
        EXPECT_TRUE(is_harmless(line())) << line();
    }
}

} // namespace
} // namespace tcpledger
