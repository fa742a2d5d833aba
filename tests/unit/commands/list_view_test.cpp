// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A socket in ss's columns and as DESIGN's JSON.
#include "commands/list_view.hpp"

#include "hostile.hpp"
#include "trace_lines.hpp"

namespace tcpledger {
namespace {

using namespace std::chrono_literals;
using namespace test;

CensusHolder holder(std::uint32_t pid, std::uint32_t fd, std::string_view comm)
{
    CensusHolder one;
    one.pid = pid;
    one.fd = fd;
    one.comm_size = static_cast<std::uint8_t>(std::min(comm.size(), one.comm_bytes.size() - 1));
    std::copy_n(comm.begin(), one.comm_size, one.comm_bytes.begin());
    return one;
}

SocketRow row(TcpState state = TcpState::kEstablished)
{
    SocketRow one;
    one.tuple = {4026531840U, {ipv4(1), 40000}, {ipv4(2), 443}};
    one.cookie = 0x2a;
    one.inode = 777;
    one.uid = 1000;
    one.recv_queue_bytes = 12;
    one.send_queue_bytes = 34;
    one.family = 2;
    one.state = state;
    return one;
}

struct ListView : testing::Test {
    ListOptions options;
    Process owner;
    SocketRow socket_row = row();
    std::vector<CensusHolder> holders;
    bool unaccepted = false;
    How how = How::kHeld;

    void SetUp() override
    {
        owner.key = {812, 4000};
        owner.comm = "nginx";
    }
    [[nodiscard]] ListedSocket listed(bool owned = true) const
    {
        return {socket_row, owned ? &owner : nullptr, how, unaccepted, holders};
    }
    [[nodiscard]] std::string text(bool owned = true, bool with_netns = false) const
    {
        ListText list(options, with_netns);
        return std::string(list.format(listed(owned)));
    }
    [[nodiscard]] rapidjson::Document json(bool owned = true) const
    {
        JsonWriter writer;
        begin_list(writer);
        write_json(writer, listed(owned));
        end_list(writer);
        EXPECT_TRUE(writer.complete());
        EXPECT_TRUE(is_harmless(writer.take_line())) << writer.take_line();
        return parsed(writer.take_line());
    }
};

TEST_F(ListView, TextReadsLikeSs)
{
    holders = {holder(812, 5, "nginx"), holder(813, 5, "nginx")};
    EXPECT_EQ(text(), "ESTAB       12      34                 10.0.0.1:40000              "
                      "10.0.0.2:443 "
                      "users:((\"nginx\",pid=812,fd=5),(\"nginx\",pid=813,fd=5))");
}

TEST_F(ListView, WhereNobodyHoldsItTheOwnerIsNamed)
{
    how = How::kClose;
    EXPECT_TRUE(text().ends_with("owner:((\"nginx\",pid=812,close))")) << text();
    how = How::kListener;
    unaccepted = true;
    EXPECT_TRUE(text().ends_with("owner:((\"nginx\",pid=812,unaccepted))")) << text();
    owner.key.pid = 0;
    owner.comm = "[kernel]";
    EXPECT_TRUE(text().ends_with("owner:([kernel])")) << text();
    EXPECT_TRUE(text(/*owned=*/false).ends_with("10.0.0.2:443")) << text(false);
}

struct EndpointCase {
    const char* name;
    IpAddress local;
    std::uint16_t port;
    std::uint8_t family;
    bool ipv6_only;
    const char* text;
};

TEST_F(ListView, Endpoints)
{
    IpAddress loopback6;
    loopback6.bytes[15] = 1;
    socket_row.state = TcpState::kListen;
    socket_row.tuple.remote = {IpAddress::from_ipv4_be(0), 0};
    for (const EndpointCase& expected : {
             EndpointCase{"any IPv4", IpAddress::from_ipv4_be(0), 80, 2, false, " 0.0.0.0:80 "},
             EndpointCase{"dual stack", IpAddress{}, 80, 10, false, " *:80 "},
             EndpointCase{"IPv6 only", IpAddress{}, 80, 10, true, " [::]:80 "},
             EndpointCase{"IPv6", loopback6, 80, 10, true, " [::1]:80 "},
         }) {
        socket_row.tuple.local = {expected.local, expected.port};
        socket_row.family = expected.family;
        socket_row.ipv6_only = expected.ipv6_only;
        EXPECT_NE(text().find(expected.text), std::string::npos) << expected.name << text();
    }
    EXPECT_NE(text().find(":* "), std::string::npos) << "a listener's remote port is *";
}

TEST_F(ListView, ExtendedAndNetns)
{
    EXPECT_EQ(text().find("ino:"), std::string::npos);
    options.extended = true;
    EXPECT_TRUE(text().ends_with("uid:1000 ino:777 sk:2a")) << text();
    EXPECT_NE(text(true, true).find("4026531840"), std::string::npos);
    ListText with_netns(options, true);
    EXPECT_NE(with_netns.header().find("Netns"), std::string::npos);
}

TEST_F(ListView, JsonIsDesignsObject)
{
    holders = {holder(812, 5, "nginx")};
    const rapidjson::Document document = json();
    EXPECT_EQ(document["version"].GetInt(), 1);
    const auto& socket = document["sockets"][0];
    EXPECT_STREQ(socket["protocol"].GetString(), "tcp");
    EXPECT_STREQ(socket["family"].GetString(), "ipv4");
    EXPECT_EQ(socket["netns"].GetUint(), 4026531840U);
    EXPECT_STREQ(socket["state"].GetString(), "ESTABLISHED");
    EXPECT_STREQ(socket["local_address"].GetString(), "10.0.0.1");
    EXPECT_EQ(socket["local_port"].GetUint(), 40000U);
    EXPECT_EQ(socket["remote_port"].GetUint(), 443U);
    EXPECT_EQ(socket["recv_queue"].GetUint(), 12U);
    EXPECT_EQ(socket["send_queue"].GetUint(), 34U);
    EXPECT_EQ(socket["uid"].GetUint(), 1000U);
    EXPECT_EQ(socket["inode"].GetUint(), 777U);
    EXPECT_EQ(socket["cookie"].GetUint64(), 0x2aU);
    EXPECT_EQ(socket["owner"]["pid"].GetUint(), 812U);
    EXPECT_STREQ(socket["owner"]["comm"].GetString(), "nginx");
    EXPECT_STREQ(socket["owner"]["how"].GetString(), "held");
    ASSERT_EQ(socket["holders"].Size(), 1U);
    EXPECT_EQ(socket["holders"][0]["fd"].GetUint(), 5U);
    EXPECT_FALSE(socket["unaccepted"].GetBool());
    EXPECT_TRUE(socket["state_age_ms"].IsNull());
    EXPECT_TRUE(socket["age_is_lower_bound"].GetBool());
}

TEST_F(ListView, UnknownIsNullInJson)
{
    socket_row.inode = 0;
    socket_row.tuple.remote = {};
    const rapidjson::Document document = json(/*owned=*/false);
    const auto& socket = document["sockets"][0];
    for (const char* name : {"owner", "inode", "remote_address", "remote_port"}) {
        EXPECT_TRUE(socket[name].IsNull()) << name;
    }
    EXPECT_EQ(socket["holders"].Size(), 0U);
}

TEST_F(ListView, PseudoOwnersHaveNoPid)
{
    owner.key.pid = 0;
    owner.comm = "[kernel]";
    const rapidjson::Document document = json();
    EXPECT_TRUE(document["sockets"][0]["owner"]["pid"].IsNull());
}

TEST_F(ListView, AgeOfATimeWaitIsWhatIsGoneOfItsMinute)
{
    socket_row = row(TcpState::kTimeWait);
    socket_row.timer = SocketTimer::kTimeWait;
    socket_row.timer_ms = 45'000;
    EXPECT_EQ(time_wait_age(socket_row), 15s);
    socket_row.timer_ms = 0;
    EXPECT_EQ(time_wait_age(socket_row), 60s);
    socket_row.timer_ms = 60'001; // nonsense
    EXPECT_FALSE(time_wait_age(socket_row));
    socket_row.timer_ms = 45'000;
    const rapidjson::Document document = json();
    EXPECT_EQ(document["sockets"][0]["state_age_ms"].GetInt(), 15'000);
    EXPECT_FALSE(document["sockets"][0]["age_is_lower_bound"].GetBool());
    socket_row.timer = SocketTimer::kKeepalive;
    EXPECT_FALSE(time_wait_age(socket_row));
    socket_row = row(TcpState::kEstablished);
    socket_row.timer = SocketTimer::kTimeWait;
    EXPECT_FALSE(time_wait_age(socket_row));
}

TEST_F(ListView, HostileNamesAreHarmless)
{
    for (const std::string& name : kHostileNames) {
        owner.comm = name;
        holders.clear();
        EXPECT_TRUE(is_harmless(text())) << text();
        holders = {holder(812, 5, name)};
        EXPECT_TRUE(is_harmless(text())) << text();
        EXPECT_EQ(json()["sockets"].Size(), 1U);
    }
}

} // namespace
} // namespace tcpledger
