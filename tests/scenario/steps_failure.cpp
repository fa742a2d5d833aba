// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What goes wrong with a connection: refused, reset, timed out, unreachable, given up.
#include "icmp.hpp"
#include "steps.hpp"

#include <cerrno>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace scenario {

namespace {

// connect() in an actor that is expected to fail; what the socket was is asked before it closes.
struct Attempt {
    int error = 0;
    SocketFacts facts;
};

Address loopback_of(const Address& target)
{
    return target.family() == AF_INET6 ? ipv6_loopback() : ipv4_loopback();
}

Attempt attempt(const Address& target)
{
    const int fd = open_tcp(target.family());
    Attempt result;
    result.facts = facts_of(fd); // a cookie, before anything happens
    result.error = -connect_fd(fd, target);
    result.facts.local = loopback_of(target).with_port(
        facts_of(fd).local.port()); // the address is forgotten, the port not yet
    result.facts.remote = target;
    close_fd(fd);
    return result;
}

void refused_at(Step& step, const Address& at)
{
    Actor& client = step.actor("client");
    // The closed port was a listener of another process, whose transitions are expected too.
    Listener listener = listen_in(step, "server", at);
    const int fd = listener.fd;
    const Address target = listener.address;
    REQUIRE(listener.server.run([=] { return close_fd(fd); }));
    listener.socket.then("CLOSE", "server");
    const Attempt result = client.run([=] { return attempt(target); });
    if (result.error != ECONNREFUSED) {
        step.fail("connect() was not refused");
    }
    step.socket("client", result.facts).then("SYN_SENT CLOSE", "client");
}

void refused_ipv4(Step& step)
{
    refused_at(step, ipv4_loopback());
}

void refused_ipv6(Step& step)
{
    refused_at(step, ipv6_loopback());
}

void reset_by_server(Step& step)
{
    Connection connection = connect_pair(step);
    const int client_end = connection.client_end;
    const int server_end = connection.server_end;
    REQUIRE(connection.server.run([=] { return reset_on_close(server_end); }));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    REQUIRE(connection.client.run([=] { return wait_state(client_end, TCP_CLOSE); }));
    REQUIRE(connection.client.run([=] { return close_fd(client_end); }));
    connection.server_socket.then("CLOSE", "server");
    connection.client_socket.then("CLOSE", "client");
    close_listener(connection);
}

void reset_by_client(Step& step)
{
    Connection connection = connect_pair(step, {.listen_at = ipv6_loopback()});
    const int client_end = connection.client_end;
    const int server_end = connection.server_end;
    REQUIRE(connection.client.run([=] { return reset_on_close(client_end); }));
    REQUIRE(connection.client.run([=] { return close_fd(client_end); }));
    REQUIRE(connection.server.run([=] { return wait_state(server_end, TCP_CLOSE); }));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    connection.client_socket.then("CLOSE", "client");
    connection.server_socket.then("CLOSE", "server");
    close_listener(connection);
}

void closed_with_unread_data(Step& step)
{
    Connection connection = connect_pair(step);
    const int client_end = connection.client_end;
    const int server_end = connection.server_end;
    REQUIRE(connection.client.run([=] { return send_text(client_end); }));
    REQUIRE(connection.server.run([=] { return wait_readable(server_end); }));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    REQUIRE(connection.client.run([=] { return wait_state(client_end, TCP_CLOSE); }));
    REQUIRE(connection.client.run([=] { return close_fd(client_end); }));
    connection.server_socket.then("CLOSE", "server");
    connection.client_socket.then("CLOSE", "client");
    close_listener(connection);
}

// The client has closed for good; what the server still sends is answered by a reset.
void data_after_close(Step& step)
{
    Connection connection = connect_pair(step);
    const int client_end = connection.client_end;
    const int server_end = connection.server_end;
    REQUIRE(connection.client.run([=] { return close_fd(client_end); }));
    REQUIRE(connection.server.run([=] { return wait_state(server_end, TCP_CLOSE_WAIT); }));
    REQUIRE(connection.server.run([=] { return send_text(server_end); }));
    REQUIRE(connection.server.run([=] { return wait_state(server_end, TCP_CLOSE); }));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    connection.client_socket.then("FIN_WAIT1 FIN_WAIT2 CLOSE", "client").no_time_wait(1);
    connection.server_socket.then("CLOSE_WAIT CLOSE", "server");
    close_listener(connection);
}

void connect_times_out(Step& step)
{
    Listener listener = listen_in(step, "server");
    const int listener_fd = listener.fd;
    const Address target = listener.address;
    REQUIRE(listener.server.run([=] { return make_deaf(listener_fd); }));
    Actor& client = step.actor("client");
    const int fd = REQUIRE(client.run([] { return open_tcp(AF_INET); }));
    REQUIRE(client.run([=] { return set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 500); }));
    if (client.run([=] { return connect_fd(fd, target); }) != -ETIMEDOUT) {
        step.fail("connect() did not time out");
    }
    SocketFacts facts = client.run([=] { return facts_of(fd); });
    facts.local = ipv4_loopback(facts.local.port());
    facts.remote = target;
    REQUIRE(client.run([=] { return close_fd(fd); }));
    REQUIRE(listener.server.run([=] { return close_fd(listener_fd); }));
    step.socket("client", facts).then("SYN_SENT CLOSE", "client").after_ms(450);
    listener.socket.then("CLOSE", "server");
}

// The server hears nothing any more and answers nothing; its end never learns of the other's death.
void connection_times_out(Step& step)
{
    Connection connection = connect_pair(step);
    const int client_end = connection.client_end;
    const int server_end = connection.server_end;
    REQUIRE(connection.server.run([=] { return make_deaf(server_end); }));
    REQUIRE(connection.client.run(
        [=] { return set_option(client_end, IPPROTO_TCP, TCP_USER_TIMEOUT, 300); }));
    REQUIRE(connection.client.run([=] { return send_text(client_end); }));
    REQUIRE(connection.client.run([=] { return wait_state(client_end, TCP_CLOSE); }));
    REQUIRE(connection.client.run([=] { return close_fd(client_end); }));
    REQUIRE(connection.server.run([=] { return make_hear(server_end); }));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    connection.client_socket.then("CLOSE", "client").after_ms(250);
    connection.server_socket.then("FIN_WAIT1 CLOSE", "server");
    close_listener(connection);
}

void keepalive_times_out(Step& step)
{
    Connection connection = connect_pair(step);
    const int client_end = connection.client_end;
    const int server_end = connection.server_end;
    REQUIRE(connection.server.run([=] { return make_deaf(server_end); }));
    REQUIRE(connection.client.run(
        [=] { return set_option(client_end, IPPROTO_TCP, TCP_KEEPIDLE, 1); }));
    REQUIRE(connection.client.run(
        [=] { return set_option(client_end, IPPROTO_TCP, TCP_KEEPINTVL, 1); }));
    REQUIRE(
        connection.client.run([=] { return set_option(client_end, IPPROTO_TCP, TCP_KEEPCNT, 1); }));
    REQUIRE(
        connection.client.run([=] { return set_option(client_end, SOL_SOCKET, SO_KEEPALIVE, 1); }));
    REQUIRE(connection.client.run([=] { return wait_state(client_end, TCP_CLOSE); }));
    REQUIRE(connection.client.run([=] { return close_fd(client_end); }));
    REQUIRE(connection.server.run([=] { return make_hear(server_end); }));
    REQUIRE(connection.server.run([=] { return reset_on_close(server_end); }));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    connection.client_socket.then("CLOSE", "client").after_ms(1500);
    connection.server_socket.then("CLOSE", "server");
    close_listener(connection);
}

void unreachable(Step& step)
{
    Listener listener = listen_in(step, "server");
    const int listener_fd = listener.fd;
    const Address target = listener.address;
    REQUIRE(listener.server.run([=] { return make_deaf(listener_fd); }));
    Actor& client = step.actor("client");
    Actor& router = step.actor("router");
    const int watch =
        step.require_facility(router.run([] { return watch_segments(); }), "raw socket");
    const int fd = REQUIRE(client.run([=] { return start_connect(target); }));
    SocketFacts facts = client.run([=] { return facts_of(fd); });
    facts.remote = target;
    const std::uint16_t port = target.port();
    REQUIRE(router.run([=] { return answer_unreachable(watch, port); }));
    REQUIRE(client.run([=] { return wait_state(fd, TCP_CLOSE); }));
    REQUIRE(client.run([=] { return close_fd(fd); }));
    REQUIRE(listener.server.run([=] { return close_fd(listener_fd); }));
    step.socket("client", facts).then("SYN_SENT CLOSE", "client");
    listener.socket.then("CLOSE", "server");
}

// Starts a connect() that nobody answers, then lets `end` end it.
template <class End> void unanswered(Step& step, End end)
{
    Listener listener = listen_in(step, "server");
    const int listener_fd = listener.fd;
    const Address target = listener.address;
    REQUIRE(listener.server.run([=] { return make_deaf(listener_fd); }));
    Actor& client = step.actor("client");
    const int fd = REQUIRE(client.run([=] { return start_connect(target); }));
    SocketFacts facts = client.run([=] { return facts_of(fd); });
    facts.remote = target;
    REQUIRE(client.run([] { return sleep_ms(20); }));
    end(client, fd);
    REQUIRE(listener.server.run([=] { return close_fd(listener_fd); }));
    step.socket("client", facts).then("SYN_SENT CLOSE", "client").after_ms(20);
    listener.socket.then("CLOSE", "server");
}

void closed_while_connecting(Step& step)
{
    unanswered(step, [](Actor& client, int fd) { client.run([=] { return close_fd(fd); }); });
}

void exit_while_connecting(Step& step)
{
    unanswered(step, [](Actor& client, int) { client.stop(); });
}

// A handshake that the client never finishes: a request sock, of which no transition tells.
void half_open(Step& step)
{
    Listener listener = listen_in(step, "server");
    const int listener_fd = listener.fd;
    const Address target = listener.address;
    Actor& client = step.actor("client");
    const int fd = REQUIRE(client.run([] { return open_tcp(AF_INET, SOCK_NONBLOCK); }));
    REQUIRE(client.run([=] { return make_deaf(fd); }));
    client.run([=] { return connect_fd(fd, target); });
    SocketFacts facts = client.run([=] { return facts_of(fd); });
    facts.remote = target;
    REQUIRE(client.run([] { return sleep_ms(20); }));
    REQUIRE(client.run([=] { return close_fd(fd); }));
    REQUIRE(listener.server.run([=] { return close_fd(listener_fd); }));
    step.socket("client", facts).then("SYN_SENT CLOSE", "client");
    listener.socket.then("CLOSE", "server");
}

void disconnected_and_reused(Step& step)
{
    Connection connection = connect_pair(step);
    const int client_end = connection.client_end;
    const int server_end = connection.server_end;
    REQUIRE(connection.client.run([=] { return disconnect(client_end); }));
    REQUIRE(connection.server.run([=] { return wait_state(server_end, TCP_CLOSE); }));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    connection.client_socket.then("CLOSE", "client");
    connection.server_socket.then("CLOSE", "server");
    const Address target = connection.address;
    const int listener = connection.listener;
    REQUIRE(connection.client.run([=] { return connect_fd(client_end, target); }));
    const int accepted = REQUIRE(connection.server.run([=] { return accept_one(listener); }));
    Connection second{
        connection.client,
        connection.server,
        listener,
        client_end,
        accepted,
        target,
        connection.client.run([=] { return facts_of(client_end); }),
        connection.server.run([=] { return facts_of(accepted); }),
        connection.listener_socket,
        step.socket("client again", connection.client.run([=] { return facts_of(client_end); })),
        step.socket("accepted again", connection.server.run([=] { return facts_of(accepted); }))};
    second.client_socket.then("SYN_SENT ESTABLISHED", "client");
    second.server_socket.from("LISTEN").then("SYN_RECV ESTABLISHED", "server");
    close_client_first(second);
}

constexpr StepEntry kSteps[] = {
    {"refused_ipv4", "nobody listens", &refused_ipv4},
    {"refused_ipv6", "nobody listens, IPv6", &refused_ipv6},
    {"reset_by_server", "SO_LINGER 0 on the accepted socket", &reset_by_server},
    {"reset_by_client", "SO_LINGER 0 on the client's, IPv6", &reset_by_client},
    {"closed_with_unread_data", "close() with data unread sends a reset", &closed_with_unread_data},
    {"data_after_close", "data for a socket that has closed", &data_after_close},
    {"connect_times_out", "no answer to the SYN", &connect_times_out},
    {"connection_times_out", "no answer to data", &connection_times_out},
    {"keepalive_times_out", "no answer to a keepalive", &keepalive_times_out},
    {"unreachable", "ICMP host unreachable answers the SYN", &unreachable},
    {"closed_while_connecting", "close() in SYN_SENT", &closed_while_connecting},
    {"exit_while_connecting", "exit in SYN_SENT", &exit_while_connecting},
    {"half_open", "a handshake that is never finished", &half_open},
    {"disconnected_and_reused", "connect(AF_UNSPEC), then the same socket connects again",
     &disconnected_and_reused},
};

} // namespace

std::span<const StepEntry> failure_steps()
{
    return kSteps;
}

} // namespace scenario
