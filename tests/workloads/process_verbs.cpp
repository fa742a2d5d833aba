// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Verbs on processes, and on descriptors that travel between them.
//
//   fork CHILD                  the child inherits every socket under its name
//   tell CHILD VERB …           the child's answer is printed as it is
//   post CHILD VERB … · reply CHILD      the same in two steps, for verbs that block
//   pass NAME CHILD             SCM_RIGHTS; then `tell CHILD take NAME`
//   take NAME · dup NEW NAME
//   accept_thread NAME LISTENER · join NAME    accept() blocked in another thread
//   become UID                  another user, for good
//   comm HEXBYTES               this process's name, any bytes
//   exec                        the same program anew (its comm becomes "exe"), sockets kept
//   leave_main_thread           the first thread ends, another goes on serving
//   reap CHILD · exit STATUS · pid
#include "actor.hpp"
#include "addresses.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace workload {
namespace {

JsonLine done(const Command& command)
{
    JsonLine line(command.verb);
    line.flag("ok", true).number("pid", ::getpid());
    return line;
}

/// One line from a child, without buffering past it.
std::string read_reply(int fd)
{
    std::string line;
    char c = 0;
    while (::read(fd, &c, 1) == 1) {
        line += c;
        if (c == '\n') {
            break;
        }
    }
    return line;
}

std::optional<JsonLine> do_fork(Actor& actor, const Command& command)
{
    std::array<int, 2> control{};
    std::array<int, 2> descriptors{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control.data()) != 0 ||
        ::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, descriptors.data()) != 0) {
        return failure(command.verb, errno);
    }
    const pid_t pid = ::fork();
    if (pid < 0) {
        return failure(command.verb, errno);
    }
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::close(control[0]);
        ::close(descriptors[0]);
        actor.become_child(control[1], descriptors[1]);
        ::_exit(actor.serve());
    }
    ::close(control[1]);
    ::close(descriptors[1]);
    actor.children[command.arg(0)] = {pid, control[0], descriptors[0]};
    read_reply(control[0]); // its hello
    return done(command).number("child", pid);
}

std::optional<JsonLine> do_post(Actor& actor, const Command& command)
{
    const auto child = actor.children.find(command.arg(0));
    if (child == actor.children.end()) {
        return failure(command.verb, "no such child");
    }
    const std::string line = command.rest_after_first_arg + '\n';
    if (::write(child->second.control_fd, line.data(), line.size()) < 0) {
        return failure(command.verb, errno);
    }
    return done(command);
}

std::optional<JsonLine> do_reply(Actor& actor, const Command& command)
{
    const auto child = actor.children.find(command.arg(0));
    if (child == actor.children.end()) {
        return failure(command.verb, "no such child");
    }
    const std::string line = read_reply(child->second.control_fd);
    if (line.empty()) {
        return failure(command.verb, "the child is gone");
    }
    actor.say(line);
    return std::nullopt;
}

std::optional<JsonLine> do_tell(Actor& actor, const Command& command)
{
    const std::optional<JsonLine> posted = do_post(actor, command);
    if (posted->finished().find("\"ok\":true") == std::string::npos) {
        return posted;
    }
    return do_reply(actor, command);
}

std::optional<JsonLine> do_pass(Actor& actor, const Command& command)
{
    const auto child = actor.children.find(command.arg(1));
    if (child == actor.children.end()) {
        return failure(command.verb, "no such child");
    }
    const int fd = actor.socket(command.arg(0));
    char byte = 'x';
    iovec data{.iov_base = &byte, .iov_len = 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = room.data();
    message.msg_controllen = room.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    if (::sendmsg(child->second.descriptors_fd, &message, 0) < 0) {
        return failure(command.verb, errno);
    }
    return done(command);
}

std::optional<JsonLine> do_take(Actor& actor, const Command& command)
{
    char byte = 0;
    iovec data{.iov_base = &byte, .iov_len = 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = room.data();
    message.msg_controllen = room.size();
    if (::recvmsg(actor.descriptors_in_fd, &message, MSG_CMSG_CLOEXEC) < 0) {
        return failure(command.verb, errno);
    }
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_type != SCM_RIGHTS) {
        return failure(command.verb, "no descriptor");
    }
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    actor.add_socket(command.arg(0), fd);
    return done(command).number("fd", fd).number("cookie", cookie_of(fd));
}

std::optional<JsonLine> do_dup(Actor& actor, const Command& command)
{
    const int fd = ::fcntl(actor.socket(command.arg(1)), F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        return failure(command.verb, errno);
    }
    actor.add_socket(command.arg(0), fd);
    return done(command).number("fd", fd);
}

std::optional<JsonLine> do_accept_thread(Actor& actor, const Command& command)
{
    PendingAccept& pending = actor.pending_accepts[command.arg(0)];
    const int listener = actor.socket(command.arg(1));
    pending.thread = std::thread([&pending, listener] {
        pending.fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        pending.error_number = errno;
    });
    return done(command);
}

std::optional<JsonLine> do_join(Actor& actor, const Command& command)
{
    const auto found = actor.pending_accepts.find(command.arg(0));
    if (found == actor.pending_accepts.end()) {
        return failure(command.verb, "no such thread");
    }
    found->second.thread.join();
    const PendingAccept result{{}, found->second.fd, found->second.error_number};
    actor.pending_accepts.erase(found);
    if (result.fd < 0) {
        return failure(command.verb, result.error_number);
    }
    actor.add_socket(command.arg(0), result.fd);
    return done(command)
        .number("fd", result.fd)
        .number("local_port", port_of(result.fd, ::getsockname))
        .number("remote_port", port_of(result.fd, ::getpeername))
        .number("cookie", cookie_of(result.fd));
}

std::optional<JsonLine> do_comm(Actor&, const Command& command)
{
    const std::string& hex = command.arg(0);
    std::string name;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        name += static_cast<char>(std::strtoul(hex.substr(i, 2).c_str(), nullptr, 16));
    }
    if (::prctl(PR_SET_NAME, name.c_str()) != 0) {
        return failure(command.verb, errno);
    }
    return done(command);
}

/// The leader becomes a zombie that holds nothing; the process lives on in another thread.
std::optional<JsonLine> do_leave_main_thread(Actor& actor, const Command& command)
{
    std::thread([&actor, command] {
        actor.say(done(command).finished());
        ::_exit(actor.serve());
    }).detach();
    ::syscall(SYS_exit, 0);
    return std::nullopt;
}

/// On success the new program says hello in place of an answer.
std::optional<JsonLine> do_exec(Actor& actor, const Command& command)
{
    std::vector<std::string> words = {"tcp_actor"};
    for (const auto& [name, fd] : actor.sockets) {
        ::fcntl(fd, F_SETFD, 0);
        words.push_back(name + "=" + std::to_string(fd));
    }
    std::vector<char*> arguments;
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    ::execv("/proc/self/exe", arguments.data());
    return failure(command.verb, errno);
}

std::optional<JsonLine> do_reap(Actor& actor, const Command& command)
{
    const auto child = actor.children.find(command.arg(0));
    if (child == actor.children.end()) {
        return failure(command.verb, "no such child");
    }
    int status = 0;
    ::waitpid(child->second.pid, &status, 0);
    ::close(child->second.control_fd);
    ::close(child->second.descriptors_fd);
    actor.children.erase(child);
    return done(command).number("status", status);
}

} // namespace

void add_process_verbs(VerbTable& table)
{
    table["fork"] = do_fork;
    table["post"] = do_post;
    table["reply"] = do_reply;
    table["tell"] = do_tell;
    table["pass"] = do_pass;
    table["take"] = do_take;
    table["dup"] = do_dup;
    table["accept_thread"] = do_accept_thread;
    table["join"] = do_join;
    table["comm"] = do_comm;
    table["leave_main_thread"] = do_leave_main_thread;
    table["exec"] = do_exec;
    table["reap"] = do_reap;
    table["become"] = [](Actor&, const Command& command) {
        return ::setuid(static_cast<uid_t>(command.number(0))) == 0 ? done(command)
                                                                    : failure(command.verb, errno);
    };
    table["pid"] = [](Actor&, const Command& command) { return done(command); };
    table["exit"] = [](Actor& actor, const Command& command) {
        actor.exit_status = command.number(0);
        return done(command);
    };
}

} // namespace workload
