// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A process that does what it is told: a line on its input is a verb with
// arguments, the answer is one JSON line. It holds the named sockets and the
// forked children. It knows nothing of tcpledger; verbs live in *_verbs.cpp.
#pragma once

#include "json_line.hpp"

#include <sys/types.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace workload {

/// "connect c 127.0.0.1 80 bind=127.0.0.2" taken apart.
struct Command {
    std::string verb;
    std::vector<std::string> args;
    std::map<std::string, std::string> options;
    std::string rest_after_first_arg; ///< what `tell CHILD …` hands on

    [[nodiscard]] static Command parse(const std::string& line);
    [[nodiscard]] const std::string& arg(std::size_t index) const;
    /// 0 when it is missing or no number.
    [[nodiscard]] int number(std::size_t index) const;
    [[nodiscard]] int option(const std::string& key, int otherwise) const;
};

struct Child {
    pid_t pid = 0;
    int control_fd = -1;     ///< lines to and from it
    int descriptors_fd = -1; ///< SCM_RIGHTS messages to it
};

struct PendingAccept {
    std::thread thread;
    int fd = -1;
    int error_number = 0;
};

class Actor {
public:
    Actor(int in_fd, int out_fd) : in_fd_(in_fd), out_fd_(out_fd) {}

    /// Serves lines until the end of input or `exit`; returns the exit status.
    int serve();

    /// The next input line; nothing at the end of input.
    std::optional<std::string> read_line();
    /// True when read_line() would not block.
    [[nodiscard]] bool input_waits() const;
    void say(std::string_view text) const;
    [[nodiscard]] int in_fd() const { return in_fd_; }

    [[nodiscard]] int socket(const std::string& name) const; ///< -1: no such name
    void add_socket(const std::string& name, int fd) { sockets[name] = fd; }
    /// Names that begin with `prefix`, in order.
    [[nodiscard]] std::vector<std::string> names(const std::string& prefix) const;

    /// After fork(), in the child: other channels, none of the parent's children.
    void become_child(int control_fd, int descriptors_fd);

    std::map<std::string, int> sockets;
    std::map<std::string, Child> children;
    std::map<std::string, PendingAccept> pending_accepts;
    int descriptors_in_fd = -1; ///< where passed descriptors arrive, in a child
    std::optional<int> exit_status;

private:
    int in_fd_;
    int out_fd_;
    std::string buffered_;
};

/// A verb answers with a line, or with nothing when it has answered by itself.
using Verb = std::function<std::optional<JsonLine>(Actor&, const Command&)>;
using VerbTable = std::map<std::string, Verb>;

void add_socket_verbs(VerbTable& table);
void add_bulk_verbs(VerbTable& table);
void add_datagram_verbs(VerbTable& table);
void add_process_verbs(VerbTable& table);
void add_churn_verbs(VerbTable& table);

} // namespace workload
