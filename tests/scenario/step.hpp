// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One step of the scenario: its actors, what is expected of each socket, and its
// report, a JSON line on stdout. A step runs in a process of its own, so a step
// that fails ends there and takes its actors along.
#pragma once

#include "actor.hpp"
#include "expectation.hpp"
#include "net.hpp"

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <string>

namespace scenario {

/// How a step that begins before the tracer and the program agree; pipes' ends.
struct Gate {
    int ready = -1; ///< the step writes a byte when it has begun
    int go = -1;    ///< becomes readable when the tracer is at work
};

class Step {
public:
    Step(const char* name, const char* about, Gate gate);

    /// The process of that role, started at the first call; its comm is "sc-ROLE".
    Actor& actor(const Role& role);
    /// Somebody else who may own a socket.
    void process(const Role& role, pid_t pid, const std::string& comm);
    ExpectedSocket& socket(const std::string& name, const SocketFacts& facts);
    /// Something tells the checker more than the sockets do.
    void note(const std::string& text) { note_ = text; }

    /// `result`, unless it is an error: then the step ends as failed, saying `what`.
    int require(int result, const char* what);
    /// The same, but the error means that this kernel cannot do it: the step is skipped.
    int require_facility(int result, const char* what);
    [[noreturn]] void fail(const std::string& why);
    [[noreturn]] void skip(const std::string& why);

    /// For steps that begin before the tracer does.
    void wait_for_tracer();

    /// Two ends over which descriptors and cues pass between this step's processes.
    /// Create it before the actors.
    std::array<int, 2> mailbox();

    /// Ends the actors, waits until the namespace is quiet, prints the report.
    void finish();

private:
    void report(const char* status, const std::string& reason) const;

    std::string name_;
    std::string about_;
    std::string note_;
    Gate gate_;
    std::array<int, 2> mailbox_{-1, -1};
    std::map<Role, std::unique_ptr<Actor>> actors_;
    std::map<Role, std::pair<pid_t, std::string>> processes_;
    std::deque<ExpectedSocket> sockets_;
};

struct StepEntry {
    const char* name;
    const char* about;
    void (*play)(Step& step);
    bool begins_early = false; ///< started before the tracer; see Step::wait_for_tracer()
    bool takes_minutes = false;
};

/// Waits until no socket of the namespace is on its way from one state to another.
void wait_until_quiet();

int send_descriptor(int mailbox, int fd);
int receive_descriptor(int mailbox);
int send_cue(int mailbox);
int wait_cue(int mailbox);

/// A listener and one connection between two actors, the passive end accepted;
/// `server` listens and accepts. All three sockets are expected to open as they should.
struct Connection {
    Actor& client;
    Actor& server;
    int listener;
    int client_end;
    int server_end;
    Address address; ///< of the listener
    SocketFacts client_facts;
    SocketFacts server_facts;
    ExpectedSocket& listener_socket;
    ExpectedSocket& client_socket;
    ExpectedSocket& server_socket;
};

struct Ways {
    Address listen_at = ipv4_loopback();
    Address dial{};  ///< another form of the listener's address; its port is filled in
    Address local{}; ///< what the client binds to
};
Connection connect_pair(Step& step, const Ways& ways = {});
/// The client closes, then the server, then the listener.
void close_client_first(Connection& connection);
void close_server_first(Connection& connection);
/// Closes the listener, as its expectation then says.
void close_listener(Connection& connection);

/// A listener alone, expected to open.
struct Listener {
    Actor& server;
    int fd;
    Address address;
    ExpectedSocket& socket;
};
Listener listen_in(Step& step, const Role& role, const Address& at = ipv4_loopback(),
                   int backlog = 16, int option = 0);

/// Checks a result of an actor's work and passes it on.
#define REQUIRE(call) step.require((call), #call)

} // namespace scenario
