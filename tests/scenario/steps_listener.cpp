// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Listeners and their queues: full, closed with connections in them, shared, deferred, by cookies.
#include "steps.hpp"

#include <cerrno>
#include <csignal>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace scenario {

namespace {

void closed_with_queue(Step& step)
{
    constexpr int kClients = 3;
    Listener listener = listen_in(step, "server");
    const int listener_fd = listener.fd;
    const Address target = listener.address;
    Actor& client = step.actor("client");
    std::array<int, kClients> ends{};
    std::array<SocketFacts, kClients> facts;
    for (std::size_t i = 0; i < kClients; ++i) {
        const int fd = ends[i] = REQUIRE(client.run([=] { return connect_to(target); }));
        facts[i] = client.run([=] { return facts_of(fd); });
    }
    REQUIRE(listener.server.run([=] { return wait_readable(listener_fd); }));
    REQUIRE(listener.server.run([=] { return close_fd(listener_fd); }));
    listener.socket.then("CLOSE", "server");
    for (std::size_t i = 0; i < kClients; ++i) {
        const int fd = ends[i];
        REQUIRE(client.run([=] { return wait_state(fd, TCP_CLOSE); }));
        REQUIRE(client.run([=] { return close_fd(fd); }));
        step.socket("client", facts[i]).then("SYN_SENT ESTABLISHED CLOSE", "client");
        step.socket("never accepted", peer_of(facts[i]))
            .from("LISTEN")
            .then("SYN_RECV ESTABLISHED CLOSE", "server");
    }
}

// The queue takes one connection; the second SYN is dropped until its sender gives up.
void full_queue(Step& step)
{
    Listener listener = listen_in(step, "server", ipv4_loopback(), 0);
    const int listener_fd = listener.fd;
    const Address target = listener.address;
    Actor& client = step.actor("client");
    const int first = REQUIRE(client.run([=] { return connect_to(target); }));
    const SocketFacts first_facts = client.run([=] { return facts_of(first); });
    REQUIRE(listener.server.run([=] { return wait_readable(listener_fd); }));
    const int second = REQUIRE(client.run([=] { return start_connect(target); }));
    SocketFacts second_facts = client.run([=] { return facts_of(second); });
    second_facts.remote = target;
    REQUIRE(client.run([] { return sleep_ms(30); }));
    REQUIRE(client.run([=] { return close_fd(second); }));
    REQUIRE(listener.server.run([=] { return close_fd(listener_fd); }));
    REQUIRE(client.run([=] { return wait_state(first, TCP_CLOSE); }));
    REQUIRE(client.run([=] { return close_fd(first); }));
    listener.socket.then("CLOSE", "server");
    step.socket("client", first_facts).then("SYN_SENT ESTABLISHED CLOSE", "client");
    step.socket("never accepted", peer_of(first_facts))
        .from("LISTEN")
        .then("SYN_RECV ESTABLISHED CLOSE", "server");
    step.socket("dropped", second_facts).then("SYN_SENT CLOSE", "client").after_ms(30);
}

void reset_in_queue(Step& step)
{
    Listener listener = listen_in(step, "server");
    const int listener_fd = listener.fd;
    const Address target = listener.address;
    Actor& client = step.actor("client");
    const int client_end = REQUIRE(client.run([=] { return connect_to(target); }));
    const SocketFacts facts = client.run([=] { return facts_of(client_end); });
    REQUIRE(listener.server.run([=] { return wait_readable(listener_fd); }));
    REQUIRE(client.run([=] { return reset_on_close(client_end); }));
    REQUIRE(client.run([=] { return close_fd(client_end); }));
    const int server_end = REQUIRE(listener.server.run([=] { return accept_one(listener_fd); }));
    REQUIRE(listener.server.run([=] { return close_fd(server_end); }));
    REQUIRE(listener.server.run([=] { return close_fd(listener_fd); }));
    listener.socket.then("CLOSE", "server");
    step.socket("client", facts).then("SYN_SENT ESTABLISHED CLOSE", "client");
    step.socket("accepted dead", peer_of(facts))
        .from("LISTEN")
        .then("SYN_RECV ESTABLISHED CLOSE", "server");
}

// Two processes share a port; each connection is on the books of the one that got it.
void reuseport(Step& step)
{
    Listener one = listen_in(step, "server", ipv4_loopback(), 64, SO_REUSEPORT);
    Listener two = listen_in(step, "second", one.address, 64, SO_REUSEPORT);
    const std::array<Role, 2> roles{"server", "second"};
    const std::array<Listener*, 2> listeners{&one, &two};
    const Address target = one.address;
    Actor& client = step.actor("client");
    std::array<int, 2> got{};
    for (int i = 0; i < 64 && (got[0] == 0 || got[1] == 0); ++i) {
        const int client_end = REQUIRE(client.run([=] { return connect_to(target); }));
        const SocketFacts facts = client.run([=] { return facts_of(client_end); });
        int server_end = -1;
        std::size_t which = 0;
        for (int turn = 0; server_end < 0 && turn < 2000; ++turn) {
            which = static_cast<std::size_t>(turn % 2);
            const int fd = listeners[which]->fd;
            server_end = listeners[which]->server.run([=] { return accept_waiting(fd); });
            if (server_end < 0 && which == 1) {
                sleep_ms(1);
            }
        }
        REQUIRE(server_end);
        got[which] += 1;
        Actor& server = listeners[which]->server;
        const SocketFacts server_facts = server.run([=] { return facts_of(server_end); });
        REQUIRE(client.run([=] { return close_fd(client_end); }));
        REQUIRE(server.run([=] { return wait_state(server_end, TCP_CLOSE_WAIT); }));
        REQUIRE(server.run([=] { return close_fd(server_end); }));
        step.socket("client", facts)
            .then("SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSE", "client");
        step.socket("accepted", server_facts)
            .from("LISTEN")
            .then("SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE", roles[which]);
    }
    for (std::size_t which = 0; which < 2; ++which) {
        const int fd = listeners[which]->fd;
        REQUIRE(listeners[which]->server.run([=] { return close_fd(fd); }));
        listeners[which]->socket.then("CLOSE", roles[which]);
    }
}

// No socket on the passive side before the client has sent something.
void defer_accept(Step& step)
{
    Listener listener = listen_in(step, "server");
    const int listener_fd = listener.fd;
    const Address target = listener.address;
    REQUIRE(listener.server.run(
        [=] { return set_option(listener_fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5); }));
    Actor& client = step.actor("client");
    const int client_end = REQUIRE(client.run([=] { return connect_to(target); }));
    const SocketFacts facts = client.run([=] { return facts_of(client_end); });
    REQUIRE(client.run([] { return sleep_ms(50); }));
    REQUIRE(client.run([=] { return send_text(client_end); }));
    const int server_end = REQUIRE(listener.server.run([=] { return accept_one(listener_fd); }));
    const SocketFacts server_facts = listener.server.run([=] { return facts_of(server_end); });
    REQUIRE(client.run([=] { return shutdown_fd(client_end, SHUT_WR); }));
    REQUIRE(listener.server.run([=] { return read_to_end(server_end); }));
    REQUIRE(listener.server.run([=] { return close_fd(server_end); }));
    REQUIRE(client.run([=] { return read_to_end(client_end); }));
    REQUIRE(client.run([=] { return close_fd(client_end); }));
    REQUIRE(listener.server.run([=] { return close_fd(listener_fd); }));
    listener.socket.then("CLOSE", "server");
    step.socket("client", facts)
        .then("SYN_SENT ESTABLISHED FIN_WAIT1", "client")
        .after_ms(50)
        .then("FIN_WAIT2 CLOSE", "client");
    step.socket("accepted", server_facts)
        .from("LISTEN")
        .then("SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE", "server");
}

void syn_cookies(Step& step)
{
    step.require_facility(write_sysctl("/proc/sys/net/ipv4/tcp_syncookies", "2"), "tcp_syncookies");
    Connection connection = connect_pair(step);
    close_server_first(connection);
    REQUIRE(write_sysctl("/proc/sys/net/ipv4/tcp_syncookies", "1"));
}

void syn_cookies_ipv6(Step& step)
{
    step.require_facility(write_sysctl("/proc/sys/net/ipv4/tcp_syncookies", "2"), "tcp_syncookies");
    Connection connection = connect_pair(step, {.listen_at = ipv6_loopback()});
    close_client_first(connection);
    REQUIRE(write_sysctl("/proc/sys/net/ipv4/tcp_syncookies", "1"));
}

// Data in the SYN: the passive socket exists, in SYN_RECV, before the handshake is over.
void tcp_fast_open(Step& step)
{
    // 1 client, 2 server, 4 and 0x200: no cookie needed.
    step.require_facility(write_sysctl("/proc/sys/net/ipv4/tcp_fastopen", "519"), "tcp_fastopen");
    Listener listener = listen_in(step, "server");
    const int listener_fd = listener.fd;
    const Address target = listener.address;
    step.require_facility(
        listener.server.run([=] { return set_option(listener_fd, IPPROTO_TCP, TCP_FASTOPEN, 8); }),
        "TCP_FASTOPEN");
    Actor& client = step.actor("client");
    const int client_end = REQUIRE(client.run([] { return open_tcp(AF_INET); }));
    REQUIRE(client.run([=] {
        const auto sent = sendto(client_end, "scenario", 8, MSG_FASTOPEN | MSG_NOSIGNAL,
                                 target.get(), target.size);
        return sent < 0 ? -errno : 0;
    }));
    REQUIRE(client.run([=] { return wait_state(client_end, TCP_ESTABLISHED); }));
    const int server_end = REQUIRE(listener.server.run([=] { return accept_one(listener_fd); }));
    const SocketFacts facts = client.run([=] { return facts_of(client_end); });
    const SocketFacts server_facts = listener.server.run([=] { return facts_of(server_end); });
    REQUIRE(client.run([=] { return shutdown_fd(client_end, SHUT_WR); }));
    REQUIRE(listener.server.run([=] { return read_to_end(server_end); }));
    REQUIRE(listener.server.run([=] { return close_fd(server_end); }));
    REQUIRE(client.run([=] { return read_to_end(client_end); }));
    REQUIRE(client.run([=] { return close_fd(client_end); }));
    REQUIRE(listener.server.run([=] { return close_fd(listener_fd); }));
    REQUIRE(write_sysctl("/proc/sys/net/ipv4/tcp_fastopen", "1"));
    listener.socket.then("CLOSE", "server");
    step.socket("client", facts).then("SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSE", "client");
    step.socket("accepted", server_facts)
        .from("LISTEN")
        .then("SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE", "server");
}

// A pre-forked worker accepts, and the client closes at once: who accepted is known by then, or not
// yet.
void accepted_by_child(Step& step)
{
    const std::array<int, 2> mailbox = step.mailbox();
    Listener listener = listen_in(step, "server");
    const int listener_fd = listener.fd;
    const Address target = listener.address;
    const pid_t child = REQUIRE(listener.server.run([=] {
        const pid_t pid = fork();
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            prctl(PR_SET_NAME, "sc-child");
            const int fd = accept_one(listener_fd);
            send_cue(mailbox[1]);
            wait_state(fd, TCP_CLOSE_WAIT);
            close_fd(fd);
            wait_cue(mailbox[1]);
            _exit(0);
        }
        return pid;
    }));
    step.process("child", child, "sc-child");
    Actor& client = step.actor("client");
    const int client_end = REQUIRE(client.run([=] { return connect_to(target); }));
    const SocketFacts facts = client.run([=] { return facts_of(client_end); });
    REQUIRE(wait_cue(mailbox[0])); // it has been accepted
    REQUIRE(client.run([=] { return close_fd(client_end); }));
    wait_until_quiet();
    REQUIRE(send_cue(mailbox[0]));
    REQUIRE(listener.server.run([=] { return waitpid(child, nullptr, 0) < 0 ? -errno : 0; }));
    REQUIRE(listener.server.run([=] { return close_fd(listener_fd); }));
    listener.socket.then("CLOSE", "server");
    step.socket("client", facts).then("SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSE", "client");
    step.socket("accepted", peer_of(facts))
        .from("LISTEN")
        .then("SYN_RECV ESTABLISHED", "server")
        .then("CLOSE_WAIT", "child", {"server"})
        .then("LAST_ACK CLOSE", "child");
}

constexpr StepEntry kSteps[] = {
    {"accepted_by_child", "a child accepts on its parent's listener, the client closes at once",
     &accepted_by_child},
    {"closed_with_queue", "a listener closes with three connections nobody accepted",
     &closed_with_queue},
    {"full_queue", "a queue of one is full, the next SYN is dropped", &full_queue},
    {"reset_in_queue", "reset before anybody accepted, accepted dead", &reset_in_queue},
    {"reuseport", "two processes listen on one port", &reuseport},
    {"defer_accept", "TCP_DEFER_ACCEPT", &defer_accept},
    {"syn_cookies", "the passive socket comes from a SYN cookie", &syn_cookies},
    {"syn_cookies_ipv6", "the same over IPv6", &syn_cookies_ipv6},
    {"tcp_fast_open", "TCP Fast Open: data in the SYN", &tcp_fast_open},
};

} // namespace

std::span<const StepEntry> listener_steps()
{
    return kSteps;
}

} // namespace scenario
