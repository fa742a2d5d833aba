// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "step.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <netinet/tcp.h>
#include <poll.h>
#include <sstream>
#include <sys/socket.h>
#include <unistd.h>

namespace scenario {

namespace {

// True when no socket is on its way from one state to another: only listeners and mini-sockets are
// left.
bool is_quiet(const char* table)
{
    std::ifstream in(table);
    std::string line;
    std::getline(in, line);
    while (std::getline(in, line)) {
        std::istringstream words(line);
        std::string number;
        std::string local;
        std::string remote;
        std::string state;
        words >> number >> local >> remote >> state;
        if (state != "06" && state != "05" && state != "0A" && state != "03") {
            return false;
        }
    }
    return true;
}

} // namespace

Step::Step(const char* name, const char* about, Gate gate) : name_(name), about_(about), gate_(gate)
{
}

Actor& Step::actor(const Role& role)
{
    std::unique_ptr<Actor>& actor = actors_[role];
    if (!actor) {
        actor = std::make_unique<Actor>("sc-" + role);
        process(role, actor->pid(), actor->comm());
    }
    return *actor;
}

void Step::process(const Role& role, pid_t pid, const std::string& comm)
{
    processes_[role] = {pid, comm};
}

ExpectedSocket& Step::socket(const std::string& name, const SocketFacts& facts)
{
    return sockets_.emplace_back(name, facts);
}

int Step::require(int result, const char* what)
{
    if (result < 0) {
        fail(std::string(what) + ": " + std::strerror(-result));
    }
    return result;
}

int Step::require_facility(int result, const char* what)
{
    if (result < 0) {
        skip(std::string(what) + ": " + std::strerror(-result));
    }
    return result;
}

void Step::fail(const std::string& why)
{
    report("failed", why);
    _exit(1);
}

void Step::skip(const std::string& why)
{
    report("skipped", why);
    _exit(0);
}

void Step::wait_for_tracer()
{
    require(static_cast<int>(write(gate_.ready, "r", 1)), "ready");
    pollfd waiting{gate_.go, POLLIN, 0};
    poll(&waiting, 1, -1);
}

std::array<int, 2> Step::mailbox()
{
    if (mailbox_[0] < 0 && socketpair(AF_UNIX, SOCK_SEQPACKET, 0, mailbox_.data()) < 0) {
        fail("socketpair");
    }
    return mailbox_;
}

void Step::finish()
{
    actors_.clear();
    wait_until_quiet();
    report("played", "");
}

void Step::report(const char* status, const std::string& reason) const
{
    std::ostringstream out;
    out << "{\"step\":" << json_string(name_) << ",\"about\":" << json_string(about_)
        << ",\"status\":\"" << status << "\",\"reason\":" << json_string(reason)
        << ",\"note\":" << json_string(note_) << ",\"processes\":{";
    const char* comma = "";
    for (const auto& [role, identity] : processes_) {
        out << comma << json_string(role) << ":{\"pid\":" << identity.first
            << ",\"comm\":" << json_string(identity.second) << '}';
        comma = ",";
    }
    out << "},\"sockets\":[";
    comma = "";
    for (const ExpectedSocket& socket : sockets_) {
        out << comma << socket.json();
        comma = ",";
    }
    out << "]}\n";
    std::fputs(out.str().c_str(), stdout);
    std::fflush(stdout);
}

void wait_until_quiet()
{
    for (int waited = 0; waited < 3000; waited += 5) {
        if (is_quiet("/proc/self/net/tcp") && is_quiet("/proc/self/net/tcp6")) {
            return;
        }
        sleep_ms(5);
    }
}

int send_descriptor(int mailbox, int fd)
{
    char byte = 'd';
    iovec data{&byte, 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    return sendmsg(mailbox, &message, 0) < 0 ? -errno : 0;
}

int receive_descriptor(int mailbox)
{
    char byte = 0;
    iovec data{&byte, 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    if (recvmsg(mailbox, &message, MSG_CMSG_CLOEXEC) < 0) {
        return -errno;
    }
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_type != SCM_RIGHTS) {
        return -EBADMSG;
    }
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    return fd;
}

int send_cue(int mailbox)
{
    return send(mailbox, "c", 1, 0) < 0 ? -errno : 0;
}

int wait_cue(int mailbox)
{
    char byte = 0;
    return recv(mailbox, &byte, 1, 0) < 0 ? -errno : 0;
}

Listener listen_in(Step& step, const Role& role, const Address& at, int backlog, int option)
{
    Actor& server = step.actor(role);
    const int fd = REQUIRE(server.run([=] { return listen_on(at, backlog, option); }));
    const SocketFacts facts = server.run([=] { return facts_of(fd); });
    ExpectedSocket& socket = step.socket("listener", facts).then("LISTEN", role);
    return {server, fd, facts.local, socket};
}

Connection connect_pair(Step& step, const Ways& ways)
{
    Listener listener = listen_in(step, "server", ways.listen_at);
    const Address target =
        ways.dial.size != 0 ? ways.dial.with_port(listener.address.port()) : listener.address;
    const Address local = ways.local;
    Actor& client = step.actor("client");
    Actor& server = listener.server;
    const int listener_fd = listener.fd;
    const int client_end = REQUIRE(client.run([=] { return connect_to(target, local); }));
    const int server_end = REQUIRE(server.run([=] { return accept_one(listener_fd); }));
    const SocketFacts client_facts = client.run([=] { return facts_of(client_end); });
    const SocketFacts server_facts = server.run([=] { return facts_of(server_end); });
    ExpectedSocket& client_socket =
        step.socket("client", client_facts).then("SYN_SENT ESTABLISHED", "client");
    ExpectedSocket& server_socket =
        step.socket("accepted", server_facts).from("LISTEN").then("SYN_RECV ESTABLISHED", "server");
    return {client,          server,           listener_fd,  client_end,
            server_end,      listener.address, client_facts, server_facts,
            listener.socket, client_socket,    server_socket};
}

void close_client_first(Connection& connection)
{
    const int client_end = connection.client_end;
    const int server_end = connection.server_end;
    connection.client.run([=] { return close_fd(client_end); });
    connection.server.run([=] { return wait_state(server_end, TCP_CLOSE_WAIT); });
    connection.server.run([=] { return close_fd(server_end); });
    connection.client_socket.then("FIN_WAIT1 FIN_WAIT2 CLOSE", "client");
    connection.server_socket.then("CLOSE_WAIT LAST_ACK CLOSE", "server");
    close_listener(connection);
}

void close_server_first(Connection& connection)
{
    const int client_end = connection.client_end;
    const int server_end = connection.server_end;
    connection.server.run([=] { return close_fd(server_end); });
    connection.client.run([=] { return wait_state(client_end, TCP_CLOSE_WAIT); });
    connection.client.run([=] { return close_fd(client_end); });
    connection.server_socket.then("FIN_WAIT1 FIN_WAIT2 CLOSE", "server");
    connection.client_socket.then("CLOSE_WAIT LAST_ACK CLOSE", "client");
    close_listener(connection);
}

void close_listener(Connection& connection)
{
    const int listener = connection.listener;
    connection.server.run([=] { return close_fd(listener); });
    connection.listener_socket.then("CLOSE", "server");
}

} // namespace scenario
