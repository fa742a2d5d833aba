// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The scenario: plays every kind of TCP socket event, one named step after the
// other, in a network namespace of its own, and prints what a true tracer must
// have seen, a JSON line a step. README.md beside it describes the lines.
//
//   scenario [--wait-for FILE] [--only STEP]... [--list] [--long]
//
// With --wait-for it opens and closes a listener on port 1000 until that port
// appears in FILE (the tracer's JSON), plays, and then the same with port 1001: so
// the tracer is at work at the first step and has said all at the end.
// Status: 0 all steps played or skipped, 1 one failed, 77 no namespace can be had.
#include "holding.hpp"
#include "steps.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sched.h>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

using namespace scenario;

constexpr int kStatusSkipped = 77;
constexpr unsigned kStepSeconds = 30;
constexpr unsigned kLongStepSeconds = 150;
constexpr int kTracerPatienceMs = 60'000;

struct Options {
    std::string wait_for;
    std::vector<std::string> only;
    bool list = false;
    bool long_steps = false;
};

Options read_options(const std::vector<std::string>& arguments)
{
    Options options;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i] == "--list") {
            options.list = true;
        } else if (arguments[i] == "--long") {
            options.long_steps = true;
        } else if (arguments[i] == "--wait-for" && i + 1 < arguments.size()) {
            options.wait_for = arguments[++i];
        } else if (arguments[i] == "--only" && i + 1 < arguments.size()) {
            options.only.push_back(arguments[++i]);
        } else {
            std::fprintf(stderr,
                         "usage: scenario [--wait-for FILE] [--only STEP]... [--list] [--long]\n");
            _exit(2);
        }
    }
    return options;
}

std::vector<StepEntry> chosen_steps(const Options& options)
{
    std::vector<StepEntry> steps;
    for (const auto table : {opening_steps(), closing_steps(), failure_steps(), listener_steps(),
                             holder_steps(), special_steps()}) {
        std::copy_if(
            table.begin(), table.end(), std::back_inserter(steps), [&](const StepEntry& entry) {
                const bool named = std::find(options.only.begin(), options.only.end(),
                                             entry.name) != options.only.end();
                return options.only.empty() ? options.long_steps || !entry.takes_minutes : named;
            });
    }
    return steps;
}

// Forks the step's process.
pid_t start_step(const StepEntry& entry, Gate gate)
{
    const pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(entry.takes_minutes ? kLongStepSeconds : kStepSeconds);
        Step step(entry.name, entry.about, gate);
        entry.play(step);
        step.finish();
        _exit(0);
    }
    return child;
}

// True if the step played or was skipped; says on stdout when it could not say so itself.
bool end_step(const StepEntry& entry, pid_t child)
{
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
        std::printf("{\"step\":\"%s\",\"status\":\"failed\",\"reason\":\"%s\",\"processes\":{},"
                    "\"sockets\":[]}\n",
                    entry.name, strsignal(WTERMSIG(status)));
        std::fflush(stdout);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool file_has(const std::string& path, const std::string& text)
{
    std::ifstream in(path);
    const std::string content{std::istreambuf_iterator<char>(in), {}};
    return content.find(text) != std::string::npos;
}

// Makes events on `port` until the tracer has written one of them to `path`.
bool make_marks(const std::string& path, std::uint16_t port)
{
    const std::string mark = "\"local_port\":" + std::to_string(port);
    for (int waited = 0; waited < kTracerPatienceMs; waited += 50) {
        close_fd(listen_on(ipv4_loopback(port)));
        sleep_ms(50);
        if (file_has(path, mark)) {
            return true;
        }
    }
    std::fprintf(stderr, "the tracer has written no event of port %u to %s\n", port, path.c_str());
    return false;
}

// Waits until that many steps have begun what must be older than the tracer.
bool await_ready(int fd, std::size_t count)
{
    for (; count > 0; --count) {
        char byte = 0;
        if (wait_readable(fd) < 0 || read(fd, &byte, 1) != 1) {
            std::fprintf(stderr, "a step did not begin\n");
            return false;
        }
    }
    return true;
}

int play(const std::vector<StepEntry>& steps, const Options& options)
{
    std::array<int, 2> ready{};
    std::array<int, 2> go{};
    if (pipe(ready.data()) < 0 || pipe(go.data()) < 0) {
        return 1;
    }
    const Gate gate{ready[1], go[0]};
    std::vector<pid_t> early;
    for (const StepEntry& entry : steps) {
        early.push_back(entry.begins_early ? start_step(entry, gate) : -1);
    }
    const auto count = std::count_if(early.begin(), early.end(), [](pid_t pid) { return pid > 0; });
    if (!await_ready(ready[0], static_cast<std::size_t>(count))) {
        return 1;
    }
    // The sign to start the tracer, if anybody waits for it.
    std::printf("{\"scenario\":1,\"netns\":%llu,\"pid\":%d}\n",
                static_cast<unsigned long long>(current_netns()), getpid());
    std::fflush(stdout);
    if (!options.wait_for.empty() && !make_marks(options.wait_for, 1000)) {
        return 1;
    }
    if (write(go[1], "g", 1) != 1) {
        return 1;
    }
    bool good = true;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        good = end_step(steps[i], early[i] > 0 ? early[i] : start_step(steps[i], gate)) && good;
    }
    if (!options.wait_for.empty() && !make_marks(options.wait_for, 1001)) {
        return 1;
    }
    return good ? 0 : 1;
}

} // namespace

int main(int argc, char** argv)
{
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (!arguments.empty() && arguments[0] == kHoldArgument) {
        return hold_after_exec(arguments);
    }
    const Options options = read_options(arguments);
    const std::vector<StepEntry> steps = chosen_steps(options);
    if (options.list) {
        for (const StepEntry& entry : steps) {
            std::printf("%-28s %s\n", entry.name, entry.about);
        }
        return 0;
    }
    if (unshare(CLONE_NEWNET) < 0 || bring_loopback_up() < 0) {
        std::fprintf(stderr, "no network namespace: %s (root is needed)\n", std::strerror(errno));
        return kStatusSkipped;
    }
    return play(steps, options);
}
