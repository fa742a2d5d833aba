// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The ways out that nobody need call a failure: half-close, both at once, orphans, exit.
#include "steps.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

namespace scenario {

namespace {

void half_close(Step& step)
{
    Connection connection = connect_pair(step);
    const int client_end = connection.client_end;
    const int server_end = connection.server_end;
    REQUIRE(connection.client.run([=] { return shutdown_fd(client_end, SHUT_WR); }));
    REQUIRE(connection.server.run([=] { return read_to_end(server_end); }));
    REQUIRE(connection.server.run([=] { return send_text(server_end); }));
    REQUIRE(connection.server.run([=] { return sleep_ms(50); }));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    REQUIRE(connection.client.run([=] { return read_to_end(client_end); }));
    REQUIRE(connection.client.run([=] { return close_fd(client_end); }));
    connection.client_socket.then("FIN_WAIT1 FIN_WAIT2 CLOSE", "client").after_ms(50);
    connection.server_socket.then("CLOSE_WAIT LAST_ACK", "server")
        .after_ms(50)
        .then("CLOSE", "server");
    close_listener(connection);
}

void shutdown_both_ways(Step& step)
{
    Connection connection = connect_pair(step);
    const int client_end = connection.client_end;
    const int server_end = connection.server_end;
    REQUIRE(connection.client.run([=] { return shutdown_fd(client_end, SHUT_RDWR); }));
    REQUIRE(connection.server.run([=] { return wait_state(server_end, TCP_CLOSE_WAIT); }));
    REQUIRE(connection.server.run([=] { return shutdown_fd(server_end, SHUT_RDWR); }));
    REQUIRE(connection.server.run([=] { return wait_state(server_end, TCP_CLOSE); }));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    REQUIRE(connection.client.run([=] { return close_fd(client_end); }));
    connection.client_socket.then("FIN_WAIT1 FIN_WAIT2 CLOSE", "client");
    connection.server_socket.then("CLOSE_WAIT LAST_ACK CLOSE", "server");
    close_listener(connection);
}

// The server's FIN is lost on a deaf client, whose own FIN then finds the server in FIN_WAIT1.
void simultaneous_close(Step& step)
{
    Connection connection = connect_pair(step);
    const int client_end = connection.client_end;
    const int server_end = connection.server_end;
    REQUIRE(connection.client.run([=] { return make_deaf(client_end); }));
    REQUIRE(connection.server.run([=] { return shutdown_fd(server_end, SHUT_WR); }));
    REQUIRE(connection.client.run([=] { return shutdown_fd(client_end, SHUT_WR); }));
    REQUIRE(connection.server.run([=] { return wait_state(server_end, TCP_CLOSING); }));
    REQUIRE(connection.client.run([=] { return make_hear(client_end); }));
    REQUIRE(connection.client.run([=] { return wait_state(client_end, TCP_CLOSE); }));
    REQUIRE(connection.server.run([=] { return wait_state(server_end, TCP_CLOSE); }));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    REQUIRE(connection.client.run([=] { return close_fd(client_end); }));
    connection.client_socket.then("FIN_WAIT1 FIN_WAIT2 CLOSE", "client");
    connection.server_socket.then("FIN_WAIT1 CLOSING CLOSE", "server");
    close_listener(connection);
}

// The mini-socket in substate FIN_WAIT2 ends after a second; no transition tells of it.
void fin_wait2_expires(Step& step)
{
    Connection connection = connect_pair(step);
    const int client_end = connection.client_end;
    const int server_end = connection.server_end;
    REQUIRE(
        connection.client.run([=] { return set_option(client_end, IPPROTO_TCP, TCP_LINGER2, 1); }));
    REQUIRE(connection.client.run([=] { return close_fd(client_end); }));
    REQUIRE(connection.server.run([=] { return wait_state(server_end, TCP_CLOSE_WAIT); }));
    REQUIRE(connection.server.run([=] { return sleep_ms(1500); }));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    connection.client_socket.then("FIN_WAIT1 FIN_WAIT2 CLOSE", "client").no_time_wait(950);
    connection.server_socket.then("CLOSE_WAIT LAST_ACK", "server")
        .after_ms(1500)
        .then("CLOSE", "server");
    close_listener(connection);
}

void fin_wait2_refused(Step& step)
{
    Connection connection = connect_pair(step);
    const int client_end = connection.client_end;
    const int server_end = connection.server_end;
    REQUIRE(connection.client.run(
        [=] { return set_option(client_end, IPPROTO_TCP, TCP_LINGER2, -1); }));
    REQUIRE(connection.client.run([=] { return close_fd(client_end); }));
    REQUIRE(connection.server.run([=] { return wait_state(server_end, TCP_CLOSE); }));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    connection.client_socket.then("FIN_WAIT1 FIN_WAIT2 CLOSE", "client").no_time_wait();
    connection.server_socket.then("CLOSE_WAIT CLOSE", "server");
    close_listener(connection);
}

// FIN_WAIT1 outlives the process that closed; it stays on that process's books.
void orphan_outlives_process(Step& step)
{
    Connection connection = connect_pair(step);
    const int client_end = connection.client_end;
    const int server_end = connection.server_end;
    REQUIRE(connection.server.run([=] { return make_deaf(server_end); }));
    REQUIRE(connection.client.run([=] { return close_fd(client_end); }));
    connection.client.stop();
    REQUIRE(connection.server.run([=] { return sleep_ms(50); }));
    REQUIRE(connection.server.run([=] { return make_hear(server_end); }));
    REQUIRE(connection.server.run([=] { return wait_state(server_end, TCP_CLOSE_WAIT); }));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    connection.client_socket.then("FIN_WAIT1 FIN_WAIT2", "client")
        .after_ms(50)
        .then("CLOSE", "client");
    connection.server_socket.then("CLOSE_WAIT LAST_ACK CLOSE", "server");
    close_listener(connection);
}

void process_killed(Step& step)
{
    Connection connection = connect_pair(step);
    const int server_end = connection.server_end;
    connection.client.kill();
    REQUIRE(connection.server.run([=] { return wait_state(server_end, TCP_CLOSE_WAIT); }));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    connection.client_socket.then("FIN_WAIT1 FIN_WAIT2 CLOSE", "client");
    connection.server_socket.then("CLOSE_WAIT LAST_ACK CLOSE", "server");
    close_listener(connection);
}

void process_exits(Step& step)
{
    Connection connection = connect_pair(step);
    const int client_end = connection.client_end;
    connection.server.stop();
    REQUIRE(connection.client.run([=] { return wait_state(client_end, TCP_CLOSE_WAIT); }));
    REQUIRE(connection.client.run([=] { return close_fd(client_end); }));
    connection.server_socket.then("FIN_WAIT1 FIN_WAIT2 CLOSE", "server");
    connection.client_socket.then("CLOSE_WAIT LAST_ACK CLOSE", "client");
    connection.listener_socket.then("CLOSE", "server");
}

// A long CLOSE_WAIT: the leak that tcpledger is made for, mended.
void lingers_in_close_wait(Step& step)
{
    Connection connection = connect_pair(step);
    const int client_end = connection.client_end;
    const int server_end = connection.server_end;
    REQUIRE(connection.client.run([=] { return close_fd(client_end); }));
    REQUIRE(connection.server.run([=] { return wait_state(server_end, TCP_CLOSE_WAIT); }));
    REQUIRE(connection.server.run([=] { return sleep_ms(300); }));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    connection.client_socket.then("FIN_WAIT1 FIN_WAIT2 CLOSE", "client");
    connection.server_socket.then("CLOSE_WAIT LAST_ACK", "server")
        .after_ms(300)
        .then("CLOSE", "server");
    close_listener(connection);
}

// The server's TIME_WAIT gives way to a new connection with the same four numbers.
void time_wait_gives_way(Step& step)
{
    Connection connection = connect_pair(step, {.local = ipv4_loopback(20003)});
    const int listener = connection.listener;
    const Address target = connection.address;
    const int server_end = connection.server_end;
    const int client_end = connection.client_end;
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    REQUIRE(connection.client.run([=] { return wait_state(client_end, TCP_CLOSE_WAIT); }));
    REQUIRE(connection.client.run([=] { return close_fd(client_end); }));
    connection.server_socket.then("FIN_WAIT1 FIN_WAIT2 CLOSE", "server").time_wait_ends();
    connection.client_socket.then("CLOSE_WAIT LAST_ACK CLOSE", "client");
    wait_until_quiet();                                           // the client's end has gone
    REQUIRE(connection.client.run([=] { return sleep_ms(20); })); // a newer timestamp
    const int again =
        REQUIRE(connection.client.run([=] { return connect_to(target, ipv4_loopback(20003)); }));
    const int accepted = REQUIRE(connection.server.run([=] { return accept_one(listener); }));
    Connection second{
        connection.client,
        connection.server,
        listener,
        again,
        accepted,
        target,
        connection.client.run([=] { return facts_of(again); }),
        connection.server.run([=] { return facts_of(accepted); }),
        connection.listener_socket,
        step.socket("client again", connection.client.run([=] { return facts_of(again); })),
        step.socket("accepted again", connection.server.run([=] { return facts_of(accepted); }))};
    second.client_socket.then("SYN_SENT ESTABLISHED", "client");
    second.server_socket.from("LISTEN").then("SYN_RECV ESTABLISHED", "server");
    close_client_first(second);
}

void time_wait_expires(Step& step)
{
    Connection connection = connect_pair(step);
    close_client_first(connection);
    connection.client_socket.time_wait_ends(60'000);
    REQUIRE(connection.server.run([=] { return sleep_ms(62'000); }));
    step.note("TIME_WAIT lasts 60 s; its end is no transition");
}

constexpr StepEntry kSteps[] = {
    {"half_close", "shutdown(SHUT_WR), the other side goes on sending", &half_close},
    {"shutdown_both_ways", "shutdown(SHUT_RDWR) on both sides, close() finds nothing to do",
     &shutdown_both_ways},
    {"simultaneous_close", "both FINs are under way at once: CLOSING", &simultaneous_close},
    {"fin_wait2_expires", "an orphan's FIN_WAIT2 ends by TCP_LINGER2", &fin_wait2_expires},
    {"fin_wait2_refused", "TCP_LINGER2 below 0: a reset instead of FIN_WAIT2", &fin_wait2_refused},
    {"orphan_outlives_process", "FIN_WAIT1 of a process that has exited", &orphan_outlives_process},
    {"process_killed", "SIGKILL closes the sockets", &process_killed},
    {"process_exits", "exit closes connection and listener", &process_exits},
    {"lingers_in_close_wait", "CLOSE_WAIT for 300 ms", &lingers_in_close_wait},
    {"time_wait_gives_way", "a new connection takes the four numbers of one in TIME_WAIT",
     &time_wait_gives_way},
    {"time_wait_expires", "TIME_WAIT to its end", &time_wait_expires, false, true},
};

} // namespace

std::span<const StepEntry> closing_steps()
{
    return kSteps;
}

} // namespace scenario
