// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The ways in: listen, connect, accept, over every kind of address.
#include "steps.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace scenario {

namespace {

void listen_close(Step& step)
{
    Listener listener = listen_in(step, "server");
    const int fd = listener.fd;
    REQUIRE(listener.server.run([=] { return sleep_ms(20); }));
    REQUIRE(listener.server.run([=] { return close_fd(fd); }));
    listener.socket.then("CLOSE", "server").after_ms(20);
}

void listen_twice(Step& step)
{
    Listener listener = listen_in(step, "server");
    const int fd = listener.fd;
    REQUIRE(listener.server.run([=] { return listen(fd, 3); }));
    REQUIRE(listener.server.run([=] { return close_fd(fd); }));
    listener.socket.then("CLOSE", "server");
}

void listen_shutdown_listen(Step& step)
{
    Listener listener = listen_in(
        step, "server", ipv4_loopback(20004)); // or the second listen() chooses another port
    const int fd = listener.fd;
    REQUIRE(listener.server.run([=] { return shutdown_fd(fd, SHUT_RD); }));
    REQUIRE(listener.server.run([=] { return listen(fd, 3); }));
    REQUIRE(listener.server.run([=] { return close_fd(fd); }));
    listener.socket.then("CLOSE LISTEN CLOSE", "server");
}

void listen_disconnect(Step& step)
{
    Listener listener = listen_in(step, "server");
    const int fd = listener.fd;
    REQUIRE(listener.server.run([=] { return disconnect(fd); }));
    listener.socket.then("CLOSE", "server");
}

void bound_only(Step& step)
{
    REQUIRE(step.actor("client").run([] {
        const int fd = open_tcp(AF_INET);
        const Address address = ipv4_loopback();
        const int bound = bind(fd, address.get(), address.size);
        close_fd(fd);
        return bound;
    }));
    step.note("a bound socket that is neither connected nor listening makes no transition");
}

void ipv4_client_closes(Step& step)
{
    Connection connection = connect_pair(step);
    close_client_first(connection);
}

void ipv4_server_closes(Step& step)
{
    Connection connection = connect_pair(step);
    close_server_first(connection);
}

void ipv6_client_closes(Step& step)
{
    Connection connection = connect_pair(step, {.listen_at = ipv6_loopback()});
    close_client_first(connection);
}

void ipv6_server_closes(Step& step)
{
    Connection connection = connect_pair(step, {.listen_at = ipv6_loopback()});
    close_server_first(connection);
}

void mapped_client(Step& step)
{
    Connection connection = connect_pair(step, {.dial = mapped_loopback()});
    close_client_first(connection);
}

void mapped_server(Step& step)
{
    Connection connection = connect_pair(step, {.listen_at = ipv6_any(), .dial = ipv4_loopback()});
    close_server_first(connection);
}

void fixed_local_port(Step& step)
{
    Connection connection = connect_pair(step, {.local = ipv4_loopback(20001)});
    close_client_first(connection);
}

// The SYN meets the socket that sent it: simultaneous open, then simultaneous close, in one socket.
void self_connect(Step& step)
{
    Actor& client = step.actor("client");
    const Address self = ipv4_loopback(20002);
    const int fd = REQUIRE(client.run([=] { return connect_to(self, self); }));
    ExpectedSocket& socket = step.socket("client", client.run([=] { return facts_of(fd); }));
    REQUIRE(client.run([=] { return close_fd(fd); }));
    socket.then("SYN_SENT SYN_RECV ESTABLISHED FIN_WAIT1 CLOSING CLOSE", "client");
}

// A passive end that goes through its whole life before anybody accepts it.
void accepted_after_close(Step& step)
{
    Listener listener = listen_in(step, "server");
    Actor& client = step.actor("client");
    const Address target = listener.address;
    const int listener_fd = listener.fd;
    const int client_end = REQUIRE(client.run([=] { return connect_to(target); }));
    ExpectedSocket& client_socket =
        step.socket("client", client.run([=] { return facts_of(client_end); }));
    REQUIRE(client.run([=] { return close_fd(client_end); }));
    REQUIRE(client.run([=] { return sleep_ms(50); }));
    const int server_end = REQUIRE(listener.server.run([=] { return accept_one(listener_fd); }));
    const SocketFacts facts = listener.server.run([=] { return facts_of(server_end); });
    REQUIRE(listener.server.run([=] { return close_fd(server_end); }));
    REQUIRE(listener.server.run([=] { return close_fd(listener_fd); }));
    client_socket.then("SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSE", "client");
    step.socket("accepted", facts)
        .from("LISTEN")
        .then("SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK", "server")
        .after_ms(50)
        .then("CLOSE", "server");
    listener.socket.then("CLOSE", "server");
}

void older_than_tracer(Step& step)
{
    Actor& client = step.actor("client");
    Actor& server = step.actor("server");
    const int listener = REQUIRE(server.run([] { return listen_on(ipv4_loopback(), 16); }));
    const SocketFacts listener_facts = server.run([=] { return facts_of(listener); });
    const Address target = listener_facts.local;
    const int client_end = REQUIRE(client.run([=] { return connect_to(target); }));
    const int server_end = REQUIRE(server.run([=] { return accept_one(listener); }));
    ExpectedSocket& client_socket =
        step.socket("client", client.run([=] { return facts_of(client_end); }));
    ExpectedSocket& server_socket =
        step.socket("accepted", server.run([=] { return facts_of(server_end); }));
    step.wait_for_tracer();
    REQUIRE(client.run([=] { return close_fd(client_end); }));
    REQUIRE(server.run([=] { return wait_state(server_end, TCP_CLOSE_WAIT); }));
    REQUIRE(server.run([=] { return close_fd(server_end); }));
    REQUIRE(server.run([=] { return close_fd(listener); }));
    client_socket.from("ESTABLISHED").then("FIN_WAIT1 FIN_WAIT2 CLOSE", "client");
    server_socket.from("ESTABLISHED").then("CLOSE_WAIT LAST_ACK CLOSE", "server");
    step.socket("listener", listener_facts).from("LISTEN").then("CLOSE", "server");
}

constexpr StepEntry kSteps[] = {
    {"older_than_tracer", "a listener and a connection from before the tracer close",
     &older_than_tracer, true},
    {"listen_close", "a listener opens and closes", &listen_close},
    {"listen_twice", "a second listen() changes the backlog and nothing else", &listen_twice},
    {"listen_shutdown_listen", "shutdown() ends listening, listen() begins it again",
     &listen_shutdown_listen},
    {"listen_disconnect", "connect(AF_UNSPEC) ends listening", &listen_disconnect},
    {"bound_only", "a socket is bound and closed", &bound_only},
    {"ipv4_client_closes", "an IPv4 connection, the client closes first", &ipv4_client_closes},
    {"ipv4_server_closes", "an IPv4 connection, the server closes first", &ipv4_server_closes},
    {"ipv6_client_closes", "an IPv6 connection, the client closes first", &ipv6_client_closes},
    {"ipv6_server_closes", "an IPv6 connection, the server closes first", &ipv6_server_closes},
    {"mapped_client", "an IPv6 socket connects to an IPv4 listener", &mapped_client},
    {"mapped_server", "an IPv4 socket connects to a dual-stack listener", &mapped_server},
    {"fixed_local_port", "the client's port is bound before connect()", &fixed_local_port},
    {"self_connect", "a socket connects to itself", &self_connect},
    {"accepted_after_close", "accepted when the client has long closed", &accepted_after_close},
};

} // namespace

std::span<const StepEntry> opening_steps()
{
    return kSteps;
}

} // namespace scenario
