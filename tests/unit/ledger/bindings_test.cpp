// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the books know of marks, devices and the origin of ports: from records, rows, descriptors.
#include "world.hpp"

namespace tcpledger {
namespace {

using namespace test;
using enum TcpState;

const Task kBrowser{100, "browser"};
const Task kServer{200, "server"};

struct Bindings : testing::Test {
    World world;

    void told(const Sock& sock, TcpState from, TcpState to, std::uint32_t mark,
              std::uint32_t interface, std::uint8_t origin = TL_PORT_CHOSEN)
    {
        tl_transition event = transition_record(sock, from, to, world.tick());
        event.binding = {mark, interface};
        event.port_origin = origin;
        world.apply(event);
    }
    /// "mark interface origin"
    [[nodiscard]] std::string binding(const Sock& sock) const
    {
        const Connection* one = world.find(sock);
        if (one == nullptr) {
            return "nothing";
        }
        const char* const names[] = {"unknown", "chosen", "given"};
        return std::to_string(one->mark) + " " + std::to_string(one->interface_index) + " " +
               names[static_cast<int>(one->port_origin)];
    }
    void row(const Sock& sock, TcpState state, std::uint32_t mark, std::uint32_t interface)
    {
        world.settlement.listed({sock.tuple, sock.cookie, 70, 2, state, mark, interface});
    }
};

TEST_F(Bindings, FollowTheRecords)
{
    const Sock sock = client(1, 40000);
    told(sock, kClose, kSynSent, 7, 2, TL_PORT_GIVEN);
    EXPECT_EQ(binding(sock), "7 2 given");
    told(sock, kSynSent, kEstablished, 8, 0, TL_PORT_GIVEN);
    EXPECT_EQ(binding(sock), "8 0 given");
}

TEST_F(Bindings, AreLeftAloneByRecordsThatTellNone)
{
    const Sock sock = client(1, 40000);
    told(sock, kClose, kSynSent, 7, 2);
    world.goes(sock, kSynSent, kEstablished);
    EXPECT_EQ(binding(sock), "7 2 chosen");
    for (const int impossible : {3, 4, 255}) {
        told(sock, kEstablished, kCloseWait, 1, 1, static_cast<std::uint8_t>(impossible));
        EXPECT_EQ(binding(sock), "7 2 chosen");
    }
}

TEST_F(Bindings, OfACloneAreItsListenersButForThePort)
{
    const Sock door = listener(3);
    told(door, kClose, kListen, 5, 1, TL_PORT_GIVEN);
    const Sock born = served(4, client(1, 40000), door);
    world.goes(born, kListen, kSynRecv);
    EXPECT_EQ(binding(born), "5 1 chosen");
    told(born, kSynRecv, kEstablished, 6, 1);
    EXPECT_EQ(binding(born), "6 1 chosen");
}

TEST_F(Bindings, OutliveTheSocketInItsMiniSocket)
{
    Sock sock = client(1, 40000);
    told(sock, kClose, kSynSent, 7, 2, TL_PORT_GIVEN);
    world.goes(sock, kSynSent, kEstablished);
    world.closes(sock, kBrowser);
    EXPECT_EQ(world.state(sock), kFinWait2);
    EXPECT_EQ(binding(sock), "7 2 given");
}

TEST_F(Bindings, ComeFromACensusToo)
{
    const Sock sock = client(1, 40000);
    world.sweep_begins();
    row(sock, kEstablished, 7, 2);
    world.settlement.held(
        {sock.cookie, sock.at(), {kBrowser.key(), 1, 0, kBrowser.comm}, PortOrigin::kGiven});
    world.sweep_ends();
    EXPECT_EQ(binding(sock), "7 2 given");
    world.sweep_begins();
    row(sock, kEstablished, 9, 0);
    world.held(sock, kBrowser); // by /proc, which tells no origin
    world.sweep_ends();
    EXPECT_EQ(binding(sock), "9 0 given");
}

TEST_F(Bindings, ARecordDuringTheCensusIsNewerThanItsRow)
{
    const Sock sock = client(1, 40000);
    told(sock, kClose, kSynSent, 7, 2);
    world.sweep_begins();
    told(sock, kSynSent, kEstablished, 8, 2);
    row(sock, kSynSent, 7, 2);
    world.sweep_ends();
    EXPECT_EQ(binding(sock), "8 2 chosen");
}

} // namespace
} // namespace tcpledger
