// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What only some kernels or some users do: SOCK_DESTROY, MPTCP, io_uring, a namespace that ends.
#include "diag.hpp"
#include "io_uring.hpp"
#include "steps.hpp"

#include <cerrno>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

namespace scenario {

namespace {

// `ss -K` in somebody else's hands: it runs there, but the socket was never theirs.
void destroyed_connection(Step& step)
{
    Actor& killer = step.actor("killer");
    Connection connection = connect_pair(step);
    const int client_end = connection.client_end;
    const int server_end = connection.server_end;
    const SocketFacts facts = connection.server_facts;
    const int destroyed = killer.run([=] { return destroy_socket(facts); });
    if (destroyed < 0) {
        step.require_facility(destroyed, "SOCK_DESTROY");
    }
    REQUIRE(connection.client.run([=] { return wait_state(client_end, TCP_CLOSE); }));
    REQUIRE(connection.client.run([=] { return close_fd(client_end); }));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    connection.server_socket.then("CLOSE", "server");
    connection.client_socket.then("CLOSE", "client");
    close_listener(connection);
}

void destroyed_listener(Step& step)
{
    Actor& killer = step.actor("killer");
    Listener listener = listen_in(step, "server");
    const int fd = listener.fd;
    const SocketFacts facts = listener.server.run([=] { return facts_of(fd); });
    step.require_facility(killer.run([=] { return destroy_socket(facts); }), "SOCK_DESTROY");
    REQUIRE(listener.server.run([=] { return close_fd(fd); }));
    // 6.18 and others store CLOSE a second time; whoever shows that must not lay it to the killer.
    listener.socket.then("CLOSE", "server", {"killer"}).maybe("CLOSE", "server");
}

void destroyed_while_connecting(Step& step)
{
    Actor& killer = step.actor("killer");
    Listener listener = listen_in(step, "server");
    const int listener_fd = listener.fd;
    const Address target = listener.address;
    REQUIRE(listener.server.run([=] { return make_deaf(listener_fd); }));
    Actor& client = step.actor("client");
    const int fd = REQUIRE(client.run([=] { return start_connect(target); }));
    SocketFacts facts = client.run([=] { return facts_of(fd); });
    facts.remote = target;
    step.require_facility(killer.run([=] { return destroy_socket(facts); }), "SOCK_DESTROY");
    REQUIRE(client.run([=] { return wait_state(fd, TCP_CLOSE); }));
    REQUIRE(client.run([=] { return close_fd(fd); }));
    REQUIRE(listener.server.run([=] { return close_fd(listener_fd); }));
    step.socket("client", facts).then("SYN_SENT CLOSE", "client");
    listener.socket.then("CLOSE", "server");
}

// The subflows are TCP sockets of the kernel's making; the MPTCP socket itself must not be counted.
void mptcp(Step& step)
{
    Actor& server = step.actor("server");
    Actor& client = step.actor("client");
    const int listener = step.require_facility(server.run([] {
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
        const Address address = ipv4_loopback();
        const bool good =
            fd >= 0 && bind(fd, address.get(), address.size) == 0 && listen(fd, 4) == 0;
        return good ? fd : -errno;
    }),
                                               "MPTCP");
    const SocketFacts listener_facts = server.run([=] { return facts_of(listener); });
    const Address target = listener_facts.local;
    const int client_end = REQUIRE(client.run([=] {
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
        const int result = fd < 0 ? -errno : connect_fd(fd, target);
        return result < 0 ? result : fd;
    }));
    const SocketFacts facts = client.run([=] { return facts_of(client_end); });
    const int server_end = REQUIRE(server.run([=] { return accept_one(listener); }));
    REQUIRE(client.run([=] { return send_text(client_end); }));
    REQUIRE(server.run([=] { return wait_readable(server_end); }));
    REQUIRE(client.run([=] { return close_fd(client_end); }));
    REQUIRE(server.run([=] { return read_to_end(server_end); }));
    REQUIRE(server.run([=] { return close_fd(server_end); }));
    REQUIRE(server.run([=] { return sleep_ms(100); }));
    REQUIRE(server.run([=] { return close_fd(listener); }));
    step.socket("listener subflow", listener_facts).nameless().then("LISTEN CLOSE", "server");
    step.socket("client subflow", facts)
        .nameless()
        .then("SYN_SENT ESTABLISHED", "client")
        .any_to_close();
    step.socket("accepted subflow", peer_of(facts))
        .from("LISTEN")
        .then("SYN_RECV ESTABLISHED", "server")
        .any_to_close();
}

void io_uring(Step& step)
{
    step.require_facility(io_uring_probe(), "io_uring");
    Listener listener = listen_in(step, "server");
    const int listener_fd = listener.fd;
    const Address target = listener.address;
    Actor& client = step.actor("client");
    listener.server.begin([=] { return io_uring_accept(listener_fd); });
    const int client_end = REQUIRE(client.run([=] { return io_uring_connect(target); }));
    const int server_end = REQUIRE(listener.server.finish<int>());
    Connection connection{
        client,
        listener.server,
        listener_fd,
        client_end,
        server_end,
        target,
        client.run([=] { return facts_of(client_end); }),
        listener.server.run([=] { return facts_of(server_end); }),
        listener.socket,
        step.socket("client", client.run([=] { return facts_of(client_end); })),
        step.socket("accepted", listener.server.run([=] { return facts_of(server_end); }))};
    connection.client_socket.then("SYN_SENT ESTABLISHED", "client");
    connection.server_socket.from("LISTEN").then("SYN_RECV ESTABLISHED", "server");
    close_server_first(connection);
}

// Everything in one process that leaves its own namespace behind: connections and a TIME_WAIT with
// it.
void namespace_ends(Step& step)
{
    Actor& alone = step.actor("alone");
    REQUIRE(alone.run([] {
        if (unshare(CLONE_NEWNET) < 0) {
            return -errno;
        }
        return bring_loopback_up();
    }));
    const int listener = REQUIRE(alone.run([] { return listen_on(ipv4_loopback()); }));
    const SocketFacts listener_facts = alone.run([=] { return facts_of(listener); });
    const Address target = listener_facts.local;
    for (const bool leave_open : {false, true}) {
        const int client_end = REQUIRE(alone.run([=] { return connect_to(target); }));
        const int server_end = REQUIRE(alone.run([=] { return accept_one(listener); }));
        ExpectedSocket& client_socket =
            step.socket("client", alone.run([=] { return facts_of(client_end); }));
        ExpectedSocket& server_socket =
            step.socket("accepted", alone.run([=] { return facts_of(server_end); }));
        client_socket.then("SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSE", "alone")
            .time_wait_ends();
        server_socket.from("LISTEN").then("SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE",
                                          "alone");
        REQUIRE(alone.run([=] { return close_fd(client_end); }));
        REQUIRE(alone.run([=] { return wait_state(server_end, TCP_CLOSE_WAIT); }));
        if (!leave_open) {
            REQUIRE(alone.run([=] { return close_fd(server_end); }));
        }
    }
    step.socket("listener", listener_facts).then("LISTEN CLOSE", "alone");
    alone.stop();
    sleep_ms(300); // the namespace is taken down behind our back
}

constexpr StepEntry kSteps[] = {
    {"destroyed_connection", "SOCK_DESTROY by another process", &destroyed_connection},
    {"destroyed_listener", "SOCK_DESTROY of a listener", &destroyed_listener},
    {"destroyed_while_connecting", "SOCK_DESTROY in SYN_SENT", &destroyed_while_connecting},
    {"mptcp", "an MPTCP connection and its subflows", &mptcp},
    {"io_uring", "connect and accept by io_uring", &io_uring},
    {"namespace_ends", "a namespace ends with a connection and a TIME_WAIT in it", &namespace_ends},
};

} // namespace

std::span<const StepEntry> special_steps()
{
    return kSteps;
}

} // namespace scenario
