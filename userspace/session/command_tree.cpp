// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/command_tree.hpp"

#include "output/escape.hpp"
#include "procfs/cgroups.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

namespace tcpledger {
namespace {

constexpr int kNotFound = 127;
constexpr int kNotRun = 126;
constexpr int kKilledBase = 128;

std::optional<unsigned> number_of(const char* name)
{
    const char* const text = std::getenv(name);
    if (text == nullptr) {
        return std::nullopt;
    }
    unsigned number = 0;
    const char* const end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, number);
    return error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

/// Back to the user who called sudo. False when that could not be done.
bool become_caller()
{
    const auto uid = number_of("SUDO_UID");
    const auto gid = number_of("SUDO_GID");
    if (::geteuid() != 0 || !uid || !gid || *uid == 0) {
        return true;
    }
    const passwd* const user = ::getpwuid(*uid);
    const bool groups =
        user != nullptr ? ::initgroups(user->pw_name, *gid) == 0 : ::setgroups(0, nullptr) == 0;
    return groups && ::setresgid(*gid, *gid, *gid) == 0 && ::setresuid(*uid, *uid, *uid) == 0;
}

/// In the child: waits for the word, becomes the command. What was told to us ends here.
[[noreturn]] void become_command(int go, std::vector<std::string> command)
{
    char word = 0;
    if (::read(go, &word, 1) != 1) {
        ::_exit(kNotRun); // nobody will tell it to run
    }
    std::signal(SIGPIPE, SIG_DFL);
    if (!become_caller()) {
        std::fprintf(stderr, "tcpledger: cannot become the user who called sudo: %s\n",
                     std::strerror(errno));
        ::_exit(kNotRun);
    }
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (std::string& argument : command) {
        arguments.push_back(argument.data());
    }
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    const int error = errno;
    std::fprintf(stderr, "tcpledger: cannot run %s: %s\n", visible(command[0]).c_str(),
                 std::strerror(error));
    ::_exit(error == ENOENT ? kNotFound : kNotRun);
}

bool write_pid(const std::string& cgroup, pid_t pid)
{
    std::ofstream processes(cgroup + "/cgroup.procs");
    processes << pid << std::flush;
    return processes.good();
}

} // namespace

Expected<std::unique_ptr<CommandTree>> CommandTree::make(const std::vector<std::string>& command)
{
    std::unique_ptr<CommandTree> tree(new CommandTree());
    const CgroupTree cgroups = CgroupTree::open();
    const std::string& root = cgroups.root();
    const Error no_cgroup{ErrorKind::kUnsupported, 0, "cannot tell the command's processes apart",
                          "needs a cgroup2 hierarchy in which cgroups can be made"};
    if (root.empty()) {
        return tl::unexpected(no_cgroup);
    }
    std::string own;
    std::ifstream lines("/proc/self/cgroup");
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("0::/")) {
            own = line.substr(3);
        }
    }
    tree->parent_path_ = own == "/" ? root : root + own;
    tree->path_ = fmt::format("{}/tcpledger-exec-{}", tree->parent_path_, ::getpid());
    if (::mkdir(tree->path_.c_str(), 0755) != 0) {
        Error error = no_cgroup;
        error.error_number = errno;
        tree->path_.clear();
        return tl::unexpected(error);
    }
    tree->cgroup_id_ = cgroups.id_of(tree->path_).value_or(0);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return tl::unexpected(Error::from_errno("cannot make a pipe"));
    }
    const UniqueFd wait_here(ends[0]);
    tree->go_ = UniqueFd(ends[1]);
    tree->pid_ = ::fork();
    if (tree->pid_ < 0) {
        return tl::unexpected(Error::from_errno("cannot fork"));
    }
    if (tree->pid_ == 0) {
        ::close(ends[1]);
        become_command(ends[0], command);
    }
    tree->pidfd_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, tree->pid_, 0)));
    if (tree->cgroup_id_ == 0 || !tree->pidfd_.valid() || !write_pid(tree->path_, tree->pid_)) {
        return tl::unexpected(no_cgroup);
    }
    return tree;
}

CommandTree::~CommandTree()
{
    go_ = UniqueFd();
    if (pid_ > 0) {
        (void)status();
    }
    leave_cgroup();
}

void CommandTree::run()
{
    const char word = 1;
    if (::write(go_.get(), &word, 1) != 1) {
        return; // it has been killed: its status tells
    }
    go_ = UniqueFd();
}

void CommandTree::signal(int number) const
{
    if (pid_ > 0) {
        ::kill(pid_, number);
    }
}

int CommandTree::status()
{
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return WIFSIGNALED(status) ? kKilledBase + WTERMSIG(status) : WEXITSTATUS(status);
}

void CommandTree::leave_cgroup()
{
    if (path_.empty()) {
        return;
    }
    constexpr int kRounds = 10; // they may fork meanwhile
    for (int round = 0; round < kRounds && ::rmdir(path_.c_str()) != 0; ++round) {
        std::ifstream processes(path_ + "/cgroup.procs");
        for (pid_t pid = 0; processes >> pid;) {
            (void)write_pid(parent_path_, pid);
        }
    }
}

} // namespace tcpledger
