// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `exec`: runs a command and keeps the connection books of it and its children. Its standard
// streams, its terminal and its status are the command's.
#include "commands/commands.hpp"
#include "commands/exec_view.hpp"
#include "output/stream.hpp"
#include "procfs/clock.hpp"
#include "session/command_tree.hpp"
#include "session/session.hpp"
#include "session/stack_tally.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <utility>

namespace tcpledger {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds kStep{50};
/// After the command's end: for the last words of its connections.
constexpr milliseconds kShortestEnd{60};
constexpr milliseconds kLongestEnd{1000};

/// What the terminal sends goes to the command as to us, and is its affair; what others send to
/// us alone is handed on.
class HandedOn {
public:
    HandedOn()
    {
        std::signal(SIGINT, SIG_IGN);
        std::signal(SIGQUIT, SIG_IGN);
        sigset_t others;
        sigemptyset(&others);
        sigaddset(&others, SIGTERM);
        sigaddset(&others, SIGHUP);
        pthread_sigmask(SIG_BLOCK, &others, nullptr);
        fd_ = UniqueFd(::signalfd(-1, &others, SFD_NONBLOCK | SFD_CLOEXEC));
    }

    void to(const CommandTree& tree)
    {
        signalfd_siginfo info{};
        while (::read(fd_.get(), &info, sizeof(info)) > 0) {
            tree.signal(static_cast<int>(info.ssi_signo));
        }
    }

private:
    UniqueFd fd_;
};

bool has_ended(const CommandTree& tree)
{
    pollfd end{tree.fd(), POLLIN, 0};
    return ::poll(&end, 1, 0) == 1;
}

/// Sockets of the command that the kernel is about to close.
bool are_closing(const Books& books, const ExecBook::Belongs& belongs)
{
    bool closing = false;
    books.for_each([&](ConnectionId, const Connection& connection) {
        const bool passing = connection.state == TcpState::kFinWait1 ||
                             connection.state == TcpState::kLastAck ||
                             connection.state == TcpState::kClosing;
        closing = closing || (passing && belongs(books.processes().at(connection.owner)));
    });
    return closing;
}

/// The ledger, the lives and the books of the command, in step.
class Following {
public:
    Following(Session& session, LifeBook& lives) : session_(session), lives_(lives) {}

    void step(milliseconds limit, int wake_fd = -1)
    {
        session_.step(limit, wake_fd);
        lives_.hand_over(monotonic_now());
        if (Steady::now() >= next_interval_) {
            next_interval_ = Steady::now() + std::chrono::seconds(1);
            session_.begin_interval();
        }
    }

    void finish(const ExecBook::Belongs& belongs)
    {
        const Steady::time_point begun = Steady::now();
        while (Steady::now() < begun + kShortestEnd ||
               (Steady::now() < begun + kLongestEnd &&
                are_closing(session_.ledger().books(), belongs))) {
            step(milliseconds(20));
        }
        lives_.hand_over_all();
    }

private:
    Session& session_;
    LifeBook& lives_;
    Steady::time_point next_interval_ = Steady::now();
};

/// Of one command nearly every stack is wanted; a build's hundred processes share the desk.
constexpr std::uint32_t kStacksOfProcess = 1000;
constexpr std::uint32_t kStacksOfPlace = 300;
/// For the debug information of large programs, when the command is over.
constexpr std::chrono::seconds kNamesPatience{30};

void add_stacks(ExecReport& report, StackDesk& desk, Following& following)
{
    const StackTally tally = tally_stacks(desk, report.book.unclosed());
    const Steady::time_point end = Steady::now() + kNamesPatience;
    while (desk.names_pending() && Steady::now() < end) {
        following.step(milliseconds(20));
    }
    report.stacks = named_stacks(desk, tally);
    report.without_stack = tally.without;
}

Expected<void> write_report(const ExecOptions& options, const ExecReport& report)
{
    UniqueFd file;
    if (options.output) {
        file = UniqueFd(
            ::open(options.output->c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
        if (!file.valid()) {
            return tl::unexpected(Error::from_errno("cannot write " + *options.output));
        }
    }
    Expected<LineStream> stream =
        LineStream::open(file.valid() ? file.get() : STDERR_FILENO, {.when_full = WhenFull::kWait});
    if (!stream) {
        return tl::unexpected(stream.error());
    }
    if (options.common.json) {
        JsonWriter json;
        write_json(json, report);
        stream->write_line(json.take_line());
    } else {
        stream->write(render_text(report));
    }
    stream->close();
    if (const auto error = stream->error()) {
        return tl::unexpected(*error);
    }
    return {};
}

} // namespace

ExitStatus run(const ExecOptions& options)
{
    // First of all: the child must not have what we set up for ourselves.
    Expected<std::unique_ptr<CommandTree>> made = CommandTree::make(options.command);
    if (!made) {
        return fail(made.error());
    }
    CommandTree& tree = **made;
    HandedOn signals;
    const ExecBook::Belongs belongs = [id = tree.cgroup_id()](const Process& process) {
        return process.cgroup_id == id;
    };
    ExecBook book(belongs);
    LifeBook lives([&](const FinishedLife& life) { book.finished(life); });
    Expected<std::unique_ptr<Session>> opened = Session::open(
        {.ring_bytes = options.common.ring_bytes,
         .hooks = options.common.hooks,
         .companions = [&](const Companion& companion) { lives.companion(companion); },
         .stacks = options.stacks.wanted ? std::optional(StackOptions{
                                               tree.cgroup_id(), kStacksOfProcess, kStacksOfPlace})
                                         : std::nullopt},
        [&](const AppliedTransition& transition) {
            book.transition(transition);
            lives.transition(transition);
        });
    if (!opened) {
        return fail(opened.error());
    }
    Session& session = **opened;
    std::optional<StackDesk> desk;
    if (std::optional<RecordRing> ring = session.take_stack_ring()) {
        desk.emplace(std::move(*ring), StackProgramsOptions{options.stacks.debuginfod});
    }
    while (!session.seeded()) {
        session.step(kStep);
    }
    Following following(session, lives);
    const Steady::time_point begun = Steady::now();
    tree.run();
    while (!has_ended(tree)) {
        following.step(kStep, tree.fd());
        signals.to(tree);
    }
    const auto took = Steady::now() - begun;
    const int status = tree.status();
    following.finish(belongs);
    book.count_open(session.ledger().books());
    ExecReport report{book, options.command, status, took, session.lost_total(), {}, 0};
    if (desk) {
        add_stacks(report, *desk, following);
    }
    if (const Expected<void> written = write_report(options, report); !written) {
        spdlog::error("{}", written.error().message()); // the status stays the command's
    }
    const bool finding = std::ranges::any_of(
        options.fail_on, [&](const std::string& what) { return count_of(book.total(), what) > 0; });
    return finding ? ExitStatus::kFinding : static_cast<ExitStatus>(status);
}

} // namespace tcpledger
