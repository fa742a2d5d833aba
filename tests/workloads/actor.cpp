// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "actor.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>

namespace workload {
namespace {

const VerbTable& verbs()
{
    static const VerbTable kTable = [] {
        VerbTable table;
        add_socket_verbs(table);
        add_bulk_verbs(table);
        add_datagram_verbs(table);
        add_process_verbs(table);
        add_churn_verbs(table);
        return table;
    }();
    return kTable;
}

std::optional<JsonLine> run(Actor& actor, const Command& command)
{
    const auto found = verbs().find(command.verb);
    if (found == verbs().end()) {
        return failure(command.verb, "no such verb");
    }
    return found->second(actor, command);
}

} // namespace

Command Command::parse(const std::string& line)
{
    Command command;
    std::istringstream words(line);
    words >> command.verb;
    for (std::string word; words >> word;) {
        const std::size_t equals = word.find('=');
        if (equals != std::string::npos) {
            command.options[word.substr(0, equals)] = word.substr(equals + 1);
            continue;
        }
        if (command.args.empty()) {
            const std::streampos at = words.tellg();
            command.rest_after_first_arg =
                at < 0 ? std::string{} : line.substr(static_cast<std::size_t>(at));
        }
        command.args.push_back(word);
    }
    return command;
}

const std::string& Command::arg(std::size_t index) const
{
    static const std::string kNone;
    return index < args.size() ? args[index] : kNone;
}

int Command::number(std::size_t index) const
{
    return static_cast<int>(std::strtol(arg(index).c_str(), nullptr, 10));
}

int Command::option(const std::string& key, int otherwise) const
{
    const auto found = options.find(key);
    return found == options.end()
               ? otherwise
               : static_cast<int>(std::strtol(found->second.c_str(), nullptr, 10));
}

int Actor::serve()
{
    JsonLine hello("hello");
    hello.flag("ok", true).number("pid", ::getpid());
    say(hello.finished());
    while (!exit_status) {
        const std::optional<std::string> line = read_line();
        if (!line) {
            return 0;
        }
        const Command command = Command::parse(*line);
        if (const std::optional<JsonLine> reply = run(*this, command)) {
            say(reply->finished());
        }
    }
    return *exit_status;
}

std::optional<std::string> Actor::read_line()
{
    std::size_t end = buffered_.find('\n');
    while (end == std::string::npos) {
        char chunk[4096];
        const ssize_t got = ::read(in_fd_, chunk, sizeof(chunk));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return std::nullopt;
        }
        buffered_.append(chunk, static_cast<std::size_t>(got));
        end = buffered_.find('\n');
    }
    std::string line = buffered_.substr(0, end);
    buffered_.erase(0, end + 1);
    return line;
}

bool Actor::input_waits() const
{
    pollfd input{.fd = in_fd_, .events = POLLIN, .revents = 0};
    return buffered_.find('\n') != std::string::npos || ::poll(&input, 1, 0) == 1;
}

void Actor::say(std::string_view text) const
{
    while (!text.empty()) {
        const ssize_t wrote = ::write(out_fd_, text.data(), text.size());
        if (wrote < 0 && errno != EINTR) {
            return;
        }
        text.remove_prefix(wrote > 0 ? static_cast<std::size_t>(wrote) : 0);
    }
}

int Actor::socket(const std::string& name) const
{
    const auto found = sockets.find(name);
    return found == sockets.end() ? -1 : found->second;
}

std::vector<std::string> Actor::names(const std::string& prefix) const
{
    std::vector<std::string> found;
    for (auto at = sockets.lower_bound(prefix);
         at != sockets.end() && at->first.starts_with(prefix); ++at) {
        found.push_back(at->first);
    }
    return found;
}

void Actor::become_child(int control_fd, int descriptors_fd)
{
    for (const auto& [name, child] : children) {
        ::close(child.control_fd);
        ::close(child.descriptors_fd);
    }
    children.clear();
    buffered_.clear();
    in_fd_ = control_fd;
    out_fd_ = control_fd;
    descriptors_in_fd = descriptors_fd;
}

} // namespace workload
