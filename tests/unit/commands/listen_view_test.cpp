// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The inventory as a table, JSON and CSV, whatever names the processes give themselves.
#include "commands/listen_view.hpp"

#include "hostile.hpp"

#include <netinet/in.h>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;
using namespace test;

Listener listener(std::uint8_t protocol = IPPROTO_TCP)
{
    Listener one;
    one.row.tuple = {4026531840U, {IpAddress::from_ipv4_be(htonl(INADDR_LOOPBACK)), 8080}, {}};
    one.row.family = AF_INET;
    one.row.protocol = protocol;
    one.row.state = protocol == IPPROTO_TCP ? TcpState::kListen : TcpState::kClose;
    one.row.recv_queue_bytes = 3;
    one.row.send_queue_bytes = 128;
    one.owner = ListenerProcess{812, "shop"};
    return one;
}

Inventory inventory(std::vector<Listener> listeners)
{
    Inventory all;
    all.listeners = std::move(listeners);
    all.uptime = 2h;
    NetnsReading& netns = all.namespaces.emplace_back();
    netns.inum = 4026531840U;
    netns.counters.add("TcpExt: ListenOverflows ListenDrops\nTcpExt: 8 10\n");
    return all;
}

std::string text(const Inventory& all)
{
    return render_listeners(all, Painter(false), 0, true);
}

TEST(ListenView, LeavesOutWhatNoRowNeeds)
{
    EXPECT_EQ(text(inventory({listener()})),
              "LOCAL ADDRESS:PORT REACH    ACCEPTQ SYNQ PROCESS\n"
              "127.0.0.1:8080     loopback   3/128    0 shop[812]\n");
}

TEST(ListenView, ShowsWhatSomeRowNeeds)
{
    Listener shared = listener();
    for (std::uint32_t pid = 813; pid < 818; ++pid) {
        shared.sharers.push_back({pid, "w"});
    }
    shared.siblings = 3;
    shared.container = "0123456789ab";
    Listener udp = listener(IPPROTO_UDP);
    udp.drops = 12345;
    Inventory all = inventory({shared, udp});
    all.namespaces.push_back(all.namespaces.front());
    const std::string shown = text(all);
    for (const char* words : {"NETNS", "PROTO", "DROPS", "CONTAINER", "SHARED BY", "0123456789ab",
                              "w[813] w[814] w[815] +2 reuseport:4", "12,345", "3 B"}) {
        EXPECT_NE(shown.find(words), std::string::npos) << words << "\n" << shown;
    }
}

TEST(ListenView, SpellsAddressesAsSs)
{
    SocketRow row = listener().row;
    EXPECT_EQ(local_text(row), "127.0.0.1:8080");
    row.family = AF_INET6;
    row.tuple.local.address = {};
    EXPECT_EQ(local_text(row), "*:8080");
    row.ipv6_only = true;
    EXPECT_EQ(local_text(row), "[::]:8080");
}

TEST(ListenView, RatesDropsByTheHour)
{
    const std::string shown = render_drops(inventory({listener()}), Painter(false));
    EXPECT_NE(shown.find("8"), std::string::npos);
    EXPECT_NE(shown.find("2h"), std::string::npos) << shown;
    JsonWriter json;
    write_json(json, inventory({listener()}));
    const auto document = parsed(json.take_line());
    const auto& netns = document["namespaces"][0];
    EXPECT_EQ(netns["listen_overflows"].GetInt(), 8);
    EXPECT_DOUBLE_EQ(netns["listen_overflows_per_hour"].GetDouble(), 4.0);
    EXPECT_DOUBLE_EQ(netns["listen_drops_per_hour"].GetDouble(), 5.0);
}

TEST(ListenView, UnknownIsNullNotZero)
{
    Listener one = listener(IPPROTO_UDP);
    one.owner.reset();
    Inventory all = inventory({one});
    all.namespaces.front().counters = {};
    JsonWriter json;
    write_json(json, all);
    const auto document = parsed(json.take_line());
    const auto& shown = document["listeners"][0];
    for (const char* name : {"owner", "accept_queue", "syn_queue", "container"}) {
        EXPECT_TRUE(shown[name].IsNull()) << name;
    }
    EXPECT_TRUE(document["namespaces"][0]["listen_overflows"].IsNull());
    EXPECT_TRUE(document["namespaces"][0]["listen_drops_per_hour"].IsNull());
    EXPECT_NE(render_drops(all, Painter(false)).find(" -"), std::string::npos);
}

TEST(ListenView, HostileNamesAreHarmless)
{
    for (const std::string& name : kHostileNames) {
        Listener one = listener();
        one.owner->comm = name;
        one.sharers.push_back({900, name});
        Inventory all = inventory({one});
        all.namespaces.front().name = name;
        EXPECT_TRUE(is_harmless(text(all), true));
        EXPECT_TRUE(is_harmless(render_drops(all, Painter(false)), true));
        EXPECT_TRUE(is_harmless(csv_line(one)));
        JsonWriter json;
        write_json(json, all);
        EXPECT_TRUE(is_harmless(json.take_line()));
        parsed(json.take_line());
    }
}

} // namespace
} // namespace tcpledger
