// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Who holds a socket: descriptors that are copied, passed, inherited, taken, and closed by whom.
#include "holding.hpp"
#include "steps.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

// From the kernel's system call table, the same on all architectures; libc may be older.
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

namespace scenario {

namespace {

// The client closes, and the last holder of the passive end closes it then.
void client_leaves(Connection& connection)
{
    const int client_end = connection.client_end;
    connection.client.run([=] { return close_fd(client_end); });
    connection.client_socket.then("FIN_WAIT1 FIN_WAIT2 CLOSE", "client");
}

// Waits until the peer's FIN has been seen by the holder of `fd`.
int wait_close_wait(int fd)
{
    return wait_state(fd, TCP_CLOSE_WAIT);
}

void duplicated(Step& step)
{
    Connection connection = connect_pair(step);
    const int server_end = connection.server_end;
    const int copy =
        REQUIRE(connection.server.run([=] { return fcntl(server_end, F_DUPFD_CLOEXEC, 0); }));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    client_leaves(connection);
    REQUIRE(connection.server.run([=] { return wait_close_wait(copy); }));
    REQUIRE(connection.server.run([=] { return close_fd(copy); }));
    connection.server_socket.then("CLOSE_WAIT LAST_ACK CLOSE", "server");
    close_listener(connection);
}

void passed_by_scm_rights(Step& step)
{
    const std::array<int, 2> mailbox = step.mailbox();
    Connection connection = connect_pair(step);
    const int server_end = connection.server_end;
    Actor& worker = step.actor("worker");
    REQUIRE(connection.server.run([=] { return send_descriptor(mailbox[0], server_end); }));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    const int received = REQUIRE(worker.run([=] { return receive_descriptor(mailbox[1]); }));
    client_leaves(connection);
    REQUIRE(worker.run([=] { return wait_close_wait(received); }));
    REQUIRE(worker.run([=] { return close_fd(received); }));
    connection.server_socket.then("CLOSE_WAIT", "worker")
        .stale("server")
        .then("LAST_ACK CLOSE", "worker");
    close_listener(connection);
}

// The descriptor lies in a message that nobody reads; its sender has closed and lives on.
void in_flight_at_close(Step& step)
{
    const std::array<int, 2> mailbox = step.mailbox();
    Connection connection = connect_pair(step);
    const int server_end = connection.server_end;
    REQUIRE(connection.server.run([=] { return send_descriptor(mailbox[0], server_end); }));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    client_leaves(connection);
    REQUIRE(connection.server.run([] { return sleep_ms(30); }));
    const int received =
        REQUIRE(connection.server.run([=] { return receive_descriptor(mailbox[1]); }));
    REQUIRE(connection.server.run([=] { return wait_close_wait(received); }));
    REQUIRE(connection.server.run([=] { return close_fd(received); }));
    connection.server_socket.then("CLOSE_WAIT LAST_ACK", "server")
        .after_ms(30)
        .then("CLOSE", "server");
    close_listener(connection);
}

void forked_child_closes(Step& step)
{
    const std::array<int, 2> mailbox = step.mailbox();
    Connection connection = connect_pair(step);
    const int server_end = connection.server_end;
    const pid_t child = REQUIRE(connection.server.run([=] {
        const pid_t pid = fork();
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            prctl(PR_SET_NAME, "sc-child");
            wait_cue(mailbox[1]);
            close_fd(server_end);
            wait_cue(mailbox[1]);
            _exit(0);
        }
        return pid;
    }));
    step.process("child", child, "sc-child");
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    client_leaves(connection);
    REQUIRE(connection.server.run([=] { return sleep_ms(50); }));
    REQUIRE(send_cue(mailbox[0]));
    REQUIRE(connection.server.run([=] { return sleep_ms(50); }));
    REQUIRE(send_cue(mailbox[0]));
    REQUIRE(connection.server.run([=] { return waitpid(child, nullptr, 0) < 0 ? -errno : 0; }));
    connection.server_socket.then("CLOSE_WAIT", "child")
        .stale("server")
        .then("LAST_ACK CLOSE", "child");
    close_listener(connection);
}

// The pre-forking server: the listener is the parent's, the child accepts and closes.
void inherited_listener(Step& step)
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
            wait_cue(mailbox[1]);
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
    REQUIRE(client.run([] { return sleep_ms(30); }));
    REQUIRE(send_cue(mailbox[0]));
    REQUIRE(client.run([=] { return wait_close_wait(client_end); }));
    REQUIRE(client.run([=] { return close_fd(client_end); }));
    REQUIRE(send_cue(mailbox[0]));
    REQUIRE(listener.server.run([=] { return waitpid(child, nullptr, 0) < 0 ? -errno : 0; }));
    REQUIRE(listener.server.run([=] { return close_fd(listener_fd); }));
    listener.socket.then("CLOSE", "server");
    step.socket("client", facts).then("SYN_SENT ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE", "client");
    step.socket("accepted", peer_of(facts))
        .from("LISTEN")
        .then("SYN_RECV ESTABLISHED", "server")
        .then("FIN_WAIT1 FIN_WAIT2 CLOSE", "child");
}

// fork() and execve() of this program, which then holds `fd` until it gets a cue.
pid_t run_holder(int fd, int mailbox, bool inherit)
{
    const pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_NAME, "sc-child");
        if (inherit) {
            fcntl(fd, F_SETFD, 0);
        }
        const std::string fd_text = inherit ? std::to_string(fd) : "-1";
        const std::string mailbox_text = std::to_string(mailbox);
        execl("/proc/self/exe", "scenario", kHoldArgument, fd_text.c_str(), mailbox_text.c_str(),
              nullptr);
        _exit(127);
    }
    return pid;
}

void kept_over_exec(Step& step)
{
    const std::array<int, 2> mailbox = step.mailbox();
    Connection connection = connect_pair(step);
    const int server_end = connection.server_end;
    const pid_t child =
        REQUIRE(connection.server.run([=] { return run_holder(server_end, mailbox[1], true); }));
    step.process("executed", child, "sc-executed");
    REQUIRE(wait_cue(mailbox[0])); // it has been executed
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    REQUIRE(send_cue(mailbox[0]));
    const int client_end = connection.client_end;
    REQUIRE(connection.client.run([=] { return wait_close_wait(client_end); }));
    REQUIRE(connection.client.run([=] { return close_fd(client_end); }));
    REQUIRE(send_cue(mailbox[0]));
    REQUIRE(connection.server.run([=] { return waitpid(child, nullptr, 0) < 0 ? -errno : 0; }));
    connection.server_socket.then("FIN_WAIT1 FIN_WAIT2 CLOSE", "executed");
    connection.client_socket.then("CLOSE_WAIT LAST_ACK CLOSE", "client");
    close_listener(connection);
}

// The child's copies go at execve(); the parent's last one closes the connection.
void closed_by_exec(Step& step)
{
    const std::array<int, 2> mailbox = step.mailbox();
    Connection connection = connect_pair(step);
    const int server_end = connection.server_end;
    const pid_t child =
        REQUIRE(connection.server.run([=] { return run_holder(server_end, mailbox[1], false); }));
    REQUIRE(wait_cue(mailbox[0]));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    const int client_end = connection.client_end;
    REQUIRE(connection.client.run([=] { return wait_close_wait(client_end); }));
    REQUIRE(connection.client.run([=] { return close_fd(client_end); }));
    REQUIRE(send_cue(mailbox[0]));
    REQUIRE(send_cue(mailbox[0]));
    REQUIRE(connection.server.run([=] { return waitpid(child, nullptr, 0) < 0 ? -errno : 0; }));
    connection.server_socket.then("FIN_WAIT1 FIN_WAIT2 CLOSE", "server");
    connection.client_socket.then("CLOSE_WAIT LAST_ACK CLOSE", "client");
    close_listener(connection);
}

void closed_by_close_range(Step& step)
{
    Connection connection = connect_pair(step);
    const auto server_end = static_cast<unsigned>(connection.server_end);
    step.require_facility(connection.server.run([=] {
        return syscall(SYS_close_range, server_end, server_end, 0) < 0 ? -errno : 0;
    }),
                          "close_range()");
    const int client_end = connection.client_end;
    REQUIRE(connection.client.run([=] { return wait_close_wait(client_end); }));
    REQUIRE(connection.client.run([=] { return close_fd(client_end); }));
    connection.server_socket.then("FIN_WAIT1 FIN_WAIT2 CLOSE", "server");
    connection.client_socket.then("CLOSE_WAIT LAST_ACK CLOSE", "client");
    close_listener(connection);
}

int take_descriptor(pid_t pid, int fd)
{
    const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    if (pidfd < 0) {
        return -errno;
    }
    const int taken = static_cast<int>(syscall(SYS_pidfd_getfd, pidfd, fd, 0));
    const int result = taken < 0 ? -errno : taken;
    close(pidfd);
    return result;
}

void taken_by_pidfd_getfd(Step& step)
{
    Connection connection = connect_pair(step);
    const int server_end = connection.server_end;
    const pid_t server = connection.server.pid();
    Actor& taker = step.actor("taker");
    const int taken = step.require_facility(
        taker.run([=] { return take_descriptor(server, server_end); }), "pidfd_getfd()");
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    client_leaves(connection);
    REQUIRE(taker.run([=] { return wait_close_wait(taken); }));
    REQUIRE(taker.run([=] { return close_fd(taken); }));
    connection.server_socket.then("CLOSE_WAIT", "taker")
        .stale("server")
        .then("LAST_ACK CLOSE", "taker");
    close_listener(connection);
}

// The thread's name and id are not the process's: the owner is the thread group.
void thread_connects_and_closes(Step& step)
{
    Listener listener = listen_in(step, "server");
    const int listener_fd = listener.fd;
    const Address target = listener.address;
    Actor& client = step.actor("client");
    const int client_end = REQUIRE(client.run([=] {
        int fd = -1;
        std::thread thread([&] {
            prctl(PR_SET_NAME, "sc-thread");
            fd = connect_to(target);
        });
        thread.join();
        return fd;
    }));
    const SocketFacts facts = client.run([=] { return facts_of(client_end); });
    const int server_end = REQUIRE(listener.server.run([=] { return accept_one(listener_fd); }));
    const SocketFacts server_facts = listener.server.run([=] { return facts_of(server_end); });
    REQUIRE(client.run([=] {
        std::thread thread([=] {
            prctl(PR_SET_NAME, "sc-thread");
            close_fd(client_end);
        });
        thread.join();
        return 0;
    }));
    REQUIRE(listener.server.run([=] { return wait_close_wait(server_end); }));
    REQUIRE(listener.server.run([=] { return close_fd(server_end); }));
    REQUIRE(listener.server.run([=] { return close_fd(listener_fd); }));
    listener.socket.then("CLOSE", "server");
    step.socket("client", facts).then("SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSE", "client");
    step.socket("accepted", server_facts)
        .from("LISTEN")
        .then("SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE", "server");
}

// One end is held twice; the reset of the other must not be laid to whoever runs just then.
void held_twice_and_reset(Step& step)
{
    const std::array<int, 2> mailbox = step.mailbox();
    Connection connection = connect_pair(step);
    const int server_end = connection.server_end;
    const int client_end = connection.client_end;
    Actor& worker = step.actor("worker");
    REQUIRE(connection.server.run([=] { return send_descriptor(mailbox[0], server_end); }));
    const int received = REQUIRE(worker.run([=] { return receive_descriptor(mailbox[1]); }));
    REQUIRE(connection.client.run([=] { return reset_on_close(client_end); }));
    REQUIRE(connection.client.run([=] { return close_fd(client_end); }));
    REQUIRE(worker.run([=] { return wait_state(received, TCP_CLOSE); }));
    REQUIRE(worker.run([=] { return close_fd(received); }));
    REQUIRE(connection.server.run([=] { return close_fd(server_end); }));
    connection.client_socket.then("CLOSE", "client");
    connection.server_socket.then("CLOSE", "server");
    close_listener(connection);
}

constexpr StepEntry kSteps[] = {
    {"duplicated", "dup(), the first descriptor closes, then the second", &duplicated},
    {"passed_by_scm_rights", "the accepted socket is passed on and closed by its receiver",
     &passed_by_scm_rights},
    {"in_flight_at_close", "nobody holds the socket but a message", &in_flight_at_close},
    {"forked_child_closes", "a child inherits the connection and closes last",
     &forked_child_closes},
    {"inherited_listener", "a child accepts on its parent's listener", &inherited_listener},
    {"kept_over_exec", "a descriptor survives execve() and is closed there", &kept_over_exec},
    {"closed_by_exec", "close-on-exec in a child, the parent closes last", &closed_by_exec},
    {"closed_by_close_range", "close_range()", &closed_by_close_range},
    {"taken_by_pidfd_getfd", "pidfd_getfd(), the first holder closes, then the taker",
     &taken_by_pidfd_getfd},
    {"thread_connects_and_closes", "a thread connects, another closes",
     &thread_connects_and_closes},
    {"held_twice_and_reset", "two holders, the peer resets", &held_twice_and_reset},
};

} // namespace

std::span<const StepEntry> holder_steps()
{
    return kSteps;
}

int hold_after_exec(const std::vector<std::string>& arguments)
{
    if (arguments.size() != 3) {
        return 2;
    }
    prctl(PR_SET_NAME, "sc-executed");
    const int fd = std::stoi(arguments[1]);
    const int mailbox = std::stoi(arguments[2]);
    send_cue(mailbox);
    wait_cue(mailbox);
    if (fd >= 0) {
        close_fd(fd);
    }
    wait_cue(mailbox);
    return 0;
}

} // namespace scenario
